import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectionOptions, connect, errors, type NatsConnection } from '@nats-io/transport-node'
import { nameFrom } from '#contracts/names'
import { hostIn, portIn } from './credentials.ts'
import { Fault, faults } from './fault.ts'
import { inboxOf } from './permissions.ts'
import { greeted, Stranger } from './reach.ts'
import { isLoopback } from './server-place.ts'

/** What proves to the server who we are, and to us who the server is, as the client library takes it. */
export type Security = Pick<ConnectionOptions, 'authenticator' | 'tls' | 'inboxPrefix'> & {
  /** Who the server takes us for, where its permissions say so: then we are nobody else. */
  readonly principal?: string
}

export type OpenOptions = {
  readonly url: string
  /** Who this connection is: a host, a person, a script. */
  readonly principal: string
  /** Credentials and certificates. */
  readonly security?: Security | undefined
  /** How long this principal's bucket keeps bytes, in milliseconds; unless said, as long as it does, and a new one a week. */
  readonly keepBytes?: number | undefined
  /** Told of requests that did not come from whom they name. */
  readonly tell?: ((sentence: string) => void) | undefined
  /** Whether to go on trying while no server answers; otherwise that is a fault. */
  readonly wait?: boolean
}

/** How long to wait before a server that did not answer is tried again, and by how much some wait longer, in milliseconds. */
const pause = 250
const jitter = 100

/**
 * Connects. Where it is to wait, it tries until a server answers; one that answers and does not let us in, or cannot
 * prove who it is, is a fault at once: waiting would not help.
 */
export const dial = async (options: OpenOptions): Promise<NatsConnection> => {
  for (;;) {
    try {
      return await dialOnce(options)
    } catch (cause) {
      if (!options.wait || !(cause instanceof Fault) || cause.code !== 'bus.unreachable') throw cause
      await delay(pause)
    }
  }
}

const dialOnce = async ({ url, principal, security: { principal: _, ...security } = {} }: OpenOptions) => {
  const scheme = /^(.*?):\/\//.exec(url)?.[1] ?? 'nats'
  if (scheme !== 'nats' && scheme !== 'tls') throw otherScheme(url, scheme)
  try {
    await greeted(hostIn(url), portIn(url))
    return await connect({
      servers: url,
      name: principal,
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: untilNext(),
      inboxPrefix: inboxOf(nameFrom(principal)),
      ...security,
    } satisfies ConnectionOptions)
  } catch (cause) {
    throw faultOf(url, cause)
  }
}

/**
 * Says how long to wait until a server is tried again; minus infinity once it may be. The client library counts by the wall
 * clock: where that is set back by an hour, it would not try for an hour.
 */
const untilNext = (): (() => number) => {
  let next = 0
  return () => {
    const left = next - performance.now()
    if (left > 0) return left
    next = performance.now() + pause + Math.random() * jitter
    return Number.NEGATIVE_INFINITY
  }
}

const otherScheme = (url: string, scheme: string): Fault =>
  new Fault(
    'config.address',
    `${url} is no address of a NATS server: it begins with ${scheme}://. Expected nats://<host>:<port>, or tls://<host>:<port> for one with TLS`,
  )

/** What kept us from connecting. */
const faultOf = (url: string, cause: unknown): Fault => {
  if (cause instanceof Fault) return cause
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError)
    return faults.shutOut(url, cause)
  for (let reason = cause; reason instanceof Error; reason = reason.cause) {
    const code = (reason as NodeJS.ErrnoException).code ?? ''
    if (/CERT|ALTNAME|SELF_SIGNED|ISSUER/.test(code)) return faults.untrusted(url, reason.message, cause)
    if (reason.message.includes("does not support 'tls'")) return faults.plain(url, cause)
  }
  const why = whyNot(url, cause)
  if (!isLoopback(hostIn(url))) return faults.unreachable(url, cause, why, elsewhere)
  return why ? faults.unreachable(url, cause, why, occupied) : faults.unreachable(url, cause)
}

/** What to do where the server is to be on another machine, and where something else is in its place on this one. */
const elsewhere = 'Correct the address (--nats, NATS_URL, --creds), or see that a server runs there'
const occupied = 'Name another address with --nats, or start one on another port with: millrace nats --port'

/** Why nobody answers, in words, where that says more than that nobody does. */
const whyNot = (url: string, cause: unknown): string => {
  if (cause instanceof Stranger) return `what listens there is no NATS server, or hangs (${cause.message})`
  const { code = '', message = '' } = (cause ?? {}) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return isLoopback(hostIn(url)) ? '' : 'nothing listens there'
  if (code === 'ENOTFOUND') return `no host is called ${hostIn(url)}`
  if (code === 'EAI_AGAIN') return `nobody can be asked at present where the host ${hostIn(url)} is`
  return message
}
