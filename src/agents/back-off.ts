import { setTimeout as delay } from 'node:timers/promises'

type Patience = {
  /** How long it is tried again at most, in milliseconds. */
  readonly within: number
  /** Whether another try may come to something else. */
  readonly passing: (thrown: unknown) => boolean
  /** Told of each try that failed, and when the next one comes, in milliseconds. */
  readonly tell?: ((thrown: unknown, next: number) => void) | undefined
  readonly signal: AbortSignal
}

/** Between two tries, in milliseconds: at first, and at most. */
const [shortest, longest] = [250, 10_000]

/** Does what may fail for a while, again and again with longer pauses; rejects with what the last try said, or why `signal` aborted. */
export const withBackOff = async <T>(attempt: () => Promise<T>, patience: Patience): Promise<T> => {
  const until = performance.now() + patience.within
  for (let pause = shortest; ; pause = Math.min(pause * 2, longest)) {
    try {
      return await attempt()
    } catch (thrown) {
      patience.signal.throwIfAborted()
      const left = until - performance.now()
      if (left <= 0 || !patience.passing(thrown)) throw thrown
      const next = Math.min(pause, left)
      patience.tell?.(thrown, next)
      await delay(next, undefined, { signal: patience.signal }).catch(() => patience.signal.throwIfAborted())
    }
  }
}

/** What is said of a try that failed, and what holds until one does not; `next` and `within` are in milliseconds. */
export const triedAgain = (reason: string, next: number, within: number) => ({
  now: `${reason}; trying again in ${(next / 1_000).toFixed(1)} s`,
  meanwhile: `${reason}; it is tried again for up to ${Math.round(within / 1_000)} s`,
})

/**
 * How long work that broke rests before it is delivered again, in milliseconds: what passes soon is soon tried again, and of what
 * lasts for an hour there are tries left when it is over.
 */
export const pauseAfter = (delivery: number): number => Math.min(30_000, 1_000 * 2 ** Math.max(0, delivery - 10))
