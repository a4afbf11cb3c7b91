import type { Command } from 'commander'
import { type Credentials, hostIn, type Identity, portIn, readCredentials, securityOf } from '#bus/credentials'
import { Fault } from '#bus/fault'
import type { Security } from '#bus/jetstream'
import { localCredentials } from '#bus/secure'
import { isLoopback } from '#bus/server-place'
import { defaultState } from './state.ts'

/** What every verb that speaks to the bus takes. */
export type Common = {
  readonly nats?: string
  readonly creds?: string
  readonly state: string
  readonly json?: boolean
}

/** Where the server is unless told otherwise. */
export const defaultPort = 4222
export const localUrl = (port = defaultPort): string => `nats://127.0.0.1:${port}`

export const withConnection = (command: Command): Command =>
  command
    .option('--nats <url>', `the NATS server; by default ${localUrl()}, or NATS_URL`)
    .option('--creds <file>', 'the file that millrace certs host wrote for this machine')
    .option('--state <folder>', 'where state is kept on this machine', defaultState)

/** How to reach the server, and as whom where a file says so: `--creds`, or what lies on the server's own machine. */
export const connectionOf = (
  { nats, creds, state }: Pick<Common, 'nats' | 'creds' | 'state'>,
  speaker: 'host' | 'web' = 'host',
): { readonly url: string; readonly security?: Security } => {
  const named = nats ?? process.env.NATS_URL
  if (creds) {
    const carried = readCredentials(creds)
    const url = nats ?? carried.url
    return { url, security: securityOf(speaker === 'web' ? webIn(carried, creds) : carried, carried.ca, url) }
  }
  const local = localCredentials(state)
  const url = local?.url && isSame(named ?? local.url, local.url) ? local.url : (named ?? localUrl())
  return local && url.startsWith('tls:') ? { url, security: securityOf(local, local.ca, url) } : { url }
}

/** Whether two addresses are of one server of this machine. */
const isSame = (one: string, other: string): boolean =>
  portIn(one) === portIn(other) && (hostIn(one) === hostIn(other) || isLoopback(hostIn(one)))

const webIn = ({ web }: Credentials, file: string): Identity => {
  if (web) return web
  throw new Fault('config.credentials', `${file} has no web process. Write one that has: millrace certs host`)
}
