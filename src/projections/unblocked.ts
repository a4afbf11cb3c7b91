import { setTimeout as delay } from 'node:timers/promises'

/**
 * Attempts something until nothing stands in its way, ever more rarely, or until `signal` aborts. What has stood in its way
 * for a while is told once.
 */
export const unblocked = async (
  attempt: () => string | undefined,
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<void> => {
  for (let tries = 0; !signal.aborted; tries++) {
    const reason = attempt()
    if (reason === undefined) return
    if (tries === 2) tell(reason)
    await delay(Math.min(2_000, 50 * 2 ** tries), undefined, { signal }).catch(() => undefined)
  }
}
