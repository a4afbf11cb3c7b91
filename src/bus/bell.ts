/** Wakes those who wait for news. What they wait for they look up themselves: a ring that nobody heard is forgotten. */
export const bell = () => {
  const waiting = new Set<() => void>()
  return {
    ring: (): void => {
      for (const wake of [...waiting]) wake()
    },
    /** Resolves at the next ring, or when `signal` aborts. */
    rung: (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
      }),
  }
}
