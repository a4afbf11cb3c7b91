/**
 * Lets so many in at once; the others wait in the order they came. Resolves with what gives the place back, and rejects as soon as
 * `signal` aborts.
 */
export const places = (most: number) => {
  let free = most
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else free++
  }
  /** Gives a place back once, however often it is called. */
  const once = (): (() => void) => {
    let left = false
    return () => {
      if (!left) leave()
      left = true
    }
  }
  return async (signal: AbortSignal): Promise<() => void> => {
    signal.throwIfAborted()
    if (free > 0) {
      free--
      return once()
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = () => {
      waiting.splice(waiting.indexOf(resolve), 1)
      reject(signal.reason)
    }
    waiting.push(resolve)
    signal.addEventListener('abort', giveUp, { once: true })
    await promise.finally(() => signal.removeEventListener('abort', giveUp))
    return once()
  }
}
