import { type AnyAuthMethod, Client } from 'ssh2'
import type { Fault } from '#bus/fault'
import { askedFor, checkShown, knownKeys } from './known-host.ts'
import { machineFaults } from './machine-faults.ts'
import { jump } from './ssh-jump.ts'
import { proofsFor } from './ssh-keys.ts'
import { questions, type Reached } from './ssh-settings.ts'

/** A connection that programs can be run over. */
export type Connection = {
  readonly client: Client
  /** Why it broke; undefined while it lives. */
  readonly broken: () => string | undefined
  /** Resolves as soon as it has ended, however it did. */
  readonly closed: Promise<void>
}

/**
 * Connects to a machine whose key is known, and shows it the user's keys. Rejects with what a person can act on: nobody there, a
 * key that is not known or not the known one, no key to show, none that is let in. Who does not answer within `seconds` counts as
 * away, as later who gives no sign of life for as long.
 */
export const connect = async (reached: Reached, seconds: number): Promise<Connection> => {
  const { hostname, port, user } = reached
  const where = `${hostname}:${port}`
  const known = await knownKeys(reached)
  const proofs = await proofsFor(reached)
  const client = new Client()
  client.setMaxListeners(0) // Each program that runs over it listens for its end.
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const { promise: closed, resolve: close } = Promise.withResolvers<void>()
  let [refused, trouble]: [Fault | undefined, string | undefined] = [undefined, undefined]
  client
    .once('ready', resolve)
    .on('error', (cause: Error & { level?: string }) => {
      trouble ??= cause.message
      if (refused) reject(refused)
      else if (cause.level === 'client-authentication')
        reject(machineFaults.keyRefused(where, user, proofs.names, cause))
      else reject(machineFaults.unreachable(where, cause, whyOf(cause, seconds)))
    })
    .once('close', () => {
      trouble ??= 'it was closed'
      reject(machineFaults.unreachable(where, undefined, 'the connection was closed at once'))
      close()
    })
  const methods = [...proofs.methods]
  client.connect({
    ...(reached.jump ? { sock: jump(reached.jump) } : { host: hostname, port }),
    username: user,
    authHandler: (_left, _partial, next) => next((methods.shift() ?? false) as AnyAuthMethod), // false: no more of them.
    algorithms: { serverHostKey: askedFor(known) as never },
    hostVerifier: (shown: Buffer): boolean => {
      try {
        checkShown(shown, known, reached)
        return true
      } catch (cause) {
        refused = cause as Fault
        return false
      }
    },
    readyTimeout: seconds * 1000,
    keepaliveInterval: (seconds * 1000) / (questions + 1),
    keepaliveCountMax: questions,
  })
  try {
    await ready
  } catch (cause) {
    client.destroy()
    throw cause
  }
  return { client, broken: () => trouble, closed }
}

/** What a failed connection comes to, in words. */
const whyOf = (cause: Error & { level?: string; code?: string }, seconds: number): string => {
  if (cause.code === 'ECONNREFUSED') return 'nobody listens there (connection refused)'
  if (cause.code === 'ENOTFOUND' || cause.code === 'EAI_AGAIN')
    return 'nobody knows that name (see its spelling, and DNS)'
  if (cause.code === 'EHOSTUNREACH' || cause.code === 'ENETUNREACH') return 'no way leads there (no route to host)'
  if (cause.code === 'ETIMEDOUT' || cause.level === 'client-timeout')
    return `it gave no answer within ${seconds} s (timed out)`
  return cause.message
}
