/** Resolves when a signal aborts, at once where it has. */
export const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })

/** What a promise comes to, unless `signal` aborts first: then rejects with its reason, and what goes on is forgotten. */
export const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  promise.catch(() => undefined)
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
