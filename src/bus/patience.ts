import { setTimeout as delay } from 'node:timers/promises'
import { Fault, reasonOf } from './fault.ts'

/** Faults that pass: nobody answers at this moment, no answer came, the server can't store or a projection can't say for now. */
const passing: ReadonlySet<string> = new Set([
  'bus.unreachable',
  'bus.no-owner',
  'bus.timeout',
  'bus.contended',
  'bus.refused',
  'projection.behind',
  'projection.rebuilding',
  'projection.busy',
])

/** Whether what broke may be answered when it is asked again. */
export const passesSoon = (cause: unknown): boolean =>
  cause instanceof Fault
    ? passing.has(cause.code)
    : cause instanceof Error && /Connection|Timeout|Request|Responders|Closed/.test(cause.name)

/**
 * Tries until there is an answer, whatever it is: while nobody answers, and while the bus is away. Says once, through
 * `waiting`, that it has begun to wait. Rejects when `signal` aborts.
 */
export const patiently = async <T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  waiting: (reason: string) => void = () => undefined,
): Promise<T> => {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted() // With the signal's own reason.
    try {
      return await attempt()
    } catch (cause) {
      if (!passesSoon(cause)) throw cause
      if (tries === 2) waiting(reasonOf(cause))
      await delay(Math.min(2_000, 50 * 2 ** tries), undefined, { signal }).catch(() => undefined)
    }
  }
}
