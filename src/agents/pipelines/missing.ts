import { join } from 'node:path'
import { placeOf } from './place.ts'
import { isGone } from './stamp.ts'
import type { Store } from './store.ts'

/** How long a file must be missing until it is gone, at most, in milliseconds. */
const atMost = 1_000

type Given = {
  readonly store: Pick<Store, 'root' | 'index'>
  /** The folder in which something may be missing. */
  readonly place: string | undefined
  /** How long a file must stand still until it is taken; as long it must be missing. */
  readonly settle: number
  /** Does what may fail for reasons of this machine. */
  readonly safely: (act: () => unknown) => void
  readonly signal: AbortSignal
}

/** What is missing in a folder. It is gone once it has stayed away for a while and its folder has not: that may bring it back. */
export const openMissing = ({ store: { root, index }, place, settle, safely, signal }: Given) => {
  const waiting = new Map<string, NodeJS.Timeout>()
  signal.addEventListener('abort', () => {
    for (const timer of waiting.values()) clearTimeout(timer)
  })

  const look = async (path: string): Promise<void> => {
    waiting.delete(path)
    if ((await isGone(join(root, path))) && (await placeOf(root)) === place && !signal.aborted) index.gone(path)
  }
  const lookLater = (path: string, after = Math.min(settle, atMost)): void => {
    clearTimeout(waiting.get(path))
    if (!signal.aborted)
      waiting.set(
        path,
        setTimeout(() => safely(() => look(path)), after),
      )
  }
  return { look, lookLater }
}
