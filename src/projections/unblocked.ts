import { setTimeout as delay } from 'node:timers/promises'
import { orAborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { patiently } from '#bus/patience'

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

/** The end of the log, however long the bus is away; undefined where `signal` has aborted before. */
export const endOf = async (
  bus: Pick<Bus, 'head'>,
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<number | undefined> => {
  try {
    return await patiently(() => orAborted(bus.head(), signal), signal, tell)
  } catch (cause) {
    if (signal.aborted) return undefined
    throw cause
  }
}
