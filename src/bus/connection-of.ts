import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Credentials,
  hostIn,
  type Identity,
  localCredentials,
  portIn,
  readCredentials,
  securityOf,
} from './credentials.ts'
import type { Security } from './dial.ts'
import { Fault, faults } from './fault.ts'
import { isLoopback, placeOf, recalled } from './server-place.ts'

/** Where everything lies that Millrace keeps on a machine, unless told otherwise. */
export const defaultState = '.millrace'

/** Where the server is unless told otherwise. */
export const defaultPort = 4222
export const localUrl = (port = defaultPort): string => `nats://127.0.0.1:${port}`

/** What somebody says of where the server is: its address, a file of credentials, the state folder of this machine. */
export type Named = { readonly nats?: string; readonly creds?: string; readonly state?: string }

/**
 * How to reach the server, and as whom where a file says so: that of `creds`, or what lies on the server's own machine. It is
 * where it is named, or `NATS_URL` does, else where the state folder's was last started, else at the usual port.
 */
export const connectionOf = (
  { nats, creds, state = defaultState }: Named,
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

/**
 * The same, for whoever only asks and keeps nothing on this machine. A fault where it names a state folder that is not there:
 * passed over, it would lead to the server of another one.
 */
export const connectionFrom = (named: Named): ReturnType<typeof connectionOf> => {
  const { creds, state = defaultState } = named
  if (creds === undefined && state !== defaultState && !existsSync(state)) throw faults.noState(resolve(state))
  return connectionOf(named)
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
