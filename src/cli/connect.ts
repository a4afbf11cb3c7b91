import { setTimeout as delay } from 'node:timers/promises'
import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { type OpenOptions, openBus } from '#bus/jetstream'

/** After how long somebody who waits is told what for, in milliseconds. */
const quietFor = 1_000

/** Connects, however long it takes until a server answers, and says so after a second; rejects when `signal` aborts. */
export const openPatiently = async (
  known: Omit<OpenOptions, 'wait' | 'tell'>,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Bus> => {
  const options = { ...known, tell: say }
  signal.throwIfAborted()
  let reason = 'it has not answered yet'
  const wait = (cause: unknown): Promise<Bus> => {
    if (signal.aborted || !(cause instanceof Fault && cause.code === 'bus.unreachable')) throw cause
    reason = innermost(cause)
    if (told) tell() // What was not known when it was first said.
    return openBus({ ...options, wait: true })
  }
  const advice = 'Start one there with millrace nats, or name another with --nats'
  let told = false
  const tell = () => {
    told = true
    say(`Waiting for a NATS server at ${options.url}: ${reason}. ${advice}`)
  }
  const timer = setTimeout(tell, quietFor)
  try {
    return await orAborted(openBus(options).catch(wait), signal)
  } finally {
    clearTimeout(timer)
  }
}

/** What it was at last that could not be done, for example `connect ECONNREFUSED 127.0.0.1:4222`. */
const innermost = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown)
  const causes = thrown instanceof AggregateError ? thrown.errors : thrown.cause === undefined ? [] : [thrown.cause]
  return causes.length > 0 ? innermost(causes[0]) : thrown.message
}

/** How often a connection is looked at, and after how long without one somebody is told, in milliseconds. */
const [lookedAt, goneFor] = [1_000, 2_000]

/** Says when there has been no connection for a while, and when it is back, until `signal` aborts. */
export const tellConnection = async (
  bus: Pick<Bus, 'connected'>,
  url: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> => {
  let gone: number | undefined
  for (let told = false; !signal.aborted; await delay(lookedAt, undefined, { signal }).catch(() => undefined)) {
    if (bus.connected()) {
      if (told) say(`The NATS server at ${url} is back`)
      told = false
      gone = undefined
      continue
    }
    gone ??= performance.now()
    if (told || performance.now() - gone < goneFor) continue
    told = true
    say(`The NATS server at ${url} is away: waiting for it; what happens meanwhile is kept on disk`)
  }
}
