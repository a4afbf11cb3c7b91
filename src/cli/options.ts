import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Credentials, hostIn, type Identity, portIn, readCredentials, securityOf } from '#bus/credentials'
import { Fault } from '#bus/fault'
import type { Security } from '#bus/jetstream'
import { localCredentials } from '#bus/secure'
import { isLoopback, placeOf, recalled } from '#bus/server-place'
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

/** Reads a whole number of the command line; what is none, or out of bounds, is refused before anything is done. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    const bounds = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
    throw new InvalidArgumentError(`Expected a whole number ${bounds}.`)
  }

/** A TCP port. */
export const port = whole(1, 65_535)

/** How many rows of a list: as many as the server gives at once. */
export const limit = whole(1, 1_000)

export const logLevel = (): Option =>
  new Option('--log-level <level>', 'what is shown on the terminal')
    .choices(['debug', 'info', 'warn', 'error'])
    .default('info')

/** How long the bucket of a host keeps bytes, as a number of days on the command line, in milliseconds. */
export const keepBytes = (): Option =>
  new Option(
    '--keep-bytes <days>',
    'how long bytes for other machines are kept on the server; later they are put there again on demand',
  )
    .argParser((text: string) => whole(1, 3650)(text) * 86_400_000)
    .default(7 * 86_400_000, '7')

/** An address as a URL has it. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

export const withConnection = (command: Command): Command =>
  command
    .option('--nats <url>', `the NATS server; by default NATS_URL, the one of the state folder, or ${localUrl()}`)
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
  const there = named ?? local?.url ?? rememberedIn(state) ?? localUrl()
  const url = local?.url && isSame(there, local.url) ? local.url : there
  return local && url.startsWith('tls:') ? { url, security: securityOf(local, local.ca, url) } : { url }
}

/** Where the server of a state folder was when it was last started there. */
const rememberedIn = (state: string): string | undefined => {
  const remembered = recalled(resolve(state, 'nats'))
  return remembered ? `nats://${placeOf(remembered)}` : undefined
}

/** Whether two addresses are of one server of this machine. */
const isSame = (one: string, other: string): boolean =>
  portIn(one) === portIn(other) && (hostIn(one) === hostIn(other) || isLoopback(hostIn(one)))

const webIn = ({ web }: Credentials, file: string): Identity => {
  if (web) return web
  throw new Fault('config.credentials', `${file} has no web process. Write one that has: millrace certs host`)
}
