import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { connectionFrom } from '#bus/connection-of'
import { openBus } from '#bus/jetstream'
import { type Client, clientOf } from '#client/client'
import { openPatiently } from './connect.ts'
import { type Common, withConnection } from './options.ts'
import { stopped } from './signals.ts'

/** What a verb that asks something is given. */
export type Session = {
  readonly bus: Bus
  readonly client: Client
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Options of such a verb, as they were read. */
export type SessionOptions = Common & { readonly as?: string }

/** Options of every verb that asks something and ends. */
export const withSession = (command: Command): Command =>
  withConnection(command).option('--json', 'print JSON, for programs').option('--as <principal>', 'who asks', 'cli')

/** How long what was given up may take to remove what it left half done, in milliseconds. */
const cleanedUpWithin = 1_000

/**
 * Connects, does something, and closes the connection whatever happens. A signal ends it at once, whatever it waits for.
 * `patient`: waits while no server answers.
 */
export const inSession = async (
  options: SessionOptions,
  act: (session: Session) => Promise<void>,
  { patient = false }: { readonly patient?: boolean } = {},
): Promise<void> => {
  const stop = new AbortController()
  const { signal } = stop
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(stopped))
  const connection = { ...connectionFrom(options), principal: options.as ?? 'cli' }
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  const bus = await (patient ? openPatiently(connection, signal, tell) : orAborted(openBus(connection), signal))
  const acting = act({ bus, client: clientOf(bus), json: options.json ?? false, signal })
  try {
    await orAborted(acting, signal)
  } finally {
    await bus.close()
    await Promise.race([Promise.allSettled([acting]), delay(cleanedUpWithin, undefined, { ref: false })])
  }
}
