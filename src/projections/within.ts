import { setTimeout as delay } from 'node:timers/promises'

/** How long what is only true of this moment is waited for, in milliseconds. */
export const moment = 1_000

/** What a promise comes to; undefined where it fails, or takes longer. */
export const within = async <T>(promise: Promise<T>, milliseconds = moment): Promise<T | undefined> => {
  const settled = new AbortController()
  const late = delay(milliseconds, undefined, { signal: settled.signal }).catch(() => undefined)
  try {
    return await Promise.race([promise.catch(() => undefined), late])
  } finally {
    settled.abort()
  }
}
