import { setTimeout as delay } from 'node:timers/promises'
import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { Fault, reasonOf } from '#bus/fault'

/**
 * Attempts something, once at least, until nothing stands in its way, ever more rarely, or until `signal` aborts. What has
 * stood in its way for a while is told once.
 */
export const unblocked = async (
  attempt: () => string | undefined | Promise<string | undefined>,
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<void> => {
  for (let tries = 0; tries === 0 || !signal.aborted; tries++) {
    const reason = await attempt()
    if (reason === undefined) return
    if (tries === 2) tell(reason)
    await delay(Math.min(2_000, 50 * 2 ** tries), undefined, { signal }).catch(() => undefined)
  }
}

/** Faults of a bus that is away, or that can't answer for now. */
const passing: ReadonlySet<string> = new Set(['bus.unreachable', 'bus.no-owner', 'bus.timeout', 'bus.refused'])

const passes = (cause: unknown): boolean =>
  cause instanceof Fault
    ? passing.has(cause.code)
    : cause instanceof Error && /Connection|Timeout|Request|Responders/.test(cause.name)

/** The end of the log, however long the bus is away; undefined where `signal` has aborted before. */
export const endOf = async (
  bus: Pick<Bus, 'head'>,
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<number | undefined> => {
  let end: number | undefined
  const ask = async (): Promise<string | undefined> => {
    try {
      end = await orAborted(bus.head(), signal)
      return undefined
    } catch (cause) {
      if (signal.aborted) return undefined
      if (passes(cause)) return reasonOf(cause)
      throw cause
    }
  }
  await unblocked(ask, signal, tell)
  return end
}
