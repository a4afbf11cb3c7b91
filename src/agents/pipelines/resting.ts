import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonOf } from '#bus/fault'
import { queueFor } from '../turns.ts'
import { inside } from './folder.ts'
import { digestOf, isGarbled, type Stamp, same, stampOf } from './stamp.ts'
import type { Store } from './store.ts'

/** How many files are hashed at once. */
const hashedAtOnce = 4

/** After how long a file that could not be read is tried again, at first and at most, in milliseconds. */
const tryAgainAfter = 5_000
const tryAgainAtLatest = 300_000

type Given = {
  readonly store: Pick<Store, 'root' | 'index'>
  /** How long size and time must stand still until a file is taken, in milliseconds. */
  readonly settle: number
  /** Does what may fail for reasons of this machine. */
  readonly safely: (act: () => unknown) => void
  /** Told of what failed for such a reason. */
  readonly fail: (cause: unknown) => void
  readonly signal: AbortSignal
}

/**
 * Takes files once they have come to rest: known as they were when nothing had been heard of them for a while, and still the
 * same after they had been hashed. What can't be read is said once for each reason, and tried again.
 */
export const openResting = ({ store: { root, index }, settle, safely, fail, signal }: Given) => {
  const resting = new Map<string, { timer: NodeJS.Timeout; stamp: Stamp | undefined }>()
  const complained = new Map<string, string>()
  const waits = new Map<string, number>()
  signal.addEventListener('abort', () => {
    for (const { timer } of resting.values()) clearTimeout(timer)
  })

  const refuse = (path: string, reason: string) => {
    if (signal.aborted || complained.get(path) === reason) return
    complained.set(path, reason)
    index.unreadable(path, reason)
  }

  /** What can't be read now can be later, and nothing tells when: it is tried again, ever more rarely. */
  const tryLater = (path: string, cause: unknown) => {
    refuse(path, reasonOf(cause))
    if (signal.aborted) return
    const after = Math.min(tryAgainAtLatest, 2 * (waits.get(path) ?? tryAgainAfter / 2))
    waits.set(path, after)
    rest(path, undefined, after)
  }

  /** Does something with what lies at a path. What has gone by then is no failure; anything else is tried again. */
  const trying = (path: string, act: () => Promise<void>): Promise<void> =>
    act().catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') tryLater(path, cause)
      else if (isGarbled(path)) refuse(path, 'its name is not UTF-8, and no event can hold it: rename it')
    })

  /** Size and time of what lies at a path; undefined where it is no artifact. */
  const look = async (path: string): Promise<Stamp | undefined> => {
    const file = join(root, path)
    const link = await lstat(file, { bigint: true })
    if (link.isDirectory()) return undefined
    const refused = (reason: string) => void refuse(path, reason)
    if (!link.isSymbolicLink()) return link.isFile() ? stampOf(link) : refused('it is not a regular file')
    if (!(await inside(root, path).catch(() => undefined))) return refused('it is a link that leads out of the store')
    const found = await stat(file, { bigint: true }).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? new Error('it is a link to nothing') : cause
    })
    if (found.isDirectory()) return undefined
    return found.isFile() ? stampOf(found) : refused('it is a link to what is not a regular file')
  }

  const rest = (path: string, stamp: Stamp | undefined, after = settle) => {
    clearTimeout(resting.get(path)?.timer)
    resting.set(path, { stamp, timer: setTimeout(() => safely(() => trying(path, () => rested(path))), after) })
  }

  /** Nothing was heard of a file for a while: is it still the same? */
  const rested = async (path: string): Promise<void> => {
    const before = resting.get(path)?.stamp
    resting.delete(path)
    const stamp = await look(path)
    if (signal.aborted || !stamp || resting.has(path)) return // It was heard of again meanwhile.
    if (before && same(before, stamp)) hash({ path, stamp })
    else rest(path, stamp)
  }

  const hash = queueFor(hashedAtOnce, async ({ path, stamp }: { path: string; stamp: Stamp }): Promise<void> => {
    if (!signal.aborted) await trying(path, () => takeIn(path, stamp)).catch(fail)
  })

  /** Takes a file as it was when it had come to rest; it rests once more where it is another after it has been hashed. */
  const takeIn = async (path: string, before: Stamp): Promise<void> => {
    const known = index.known(path)
    if (known && same(known, before)) return
    const file = join(root, path)
    const { digest, size } = await digestOf(file, before.size, signal)
    const after = await look(path)
    if (signal.aborted || !after) return
    if (!same(before, after) || size !== after.size) return rest(path, after)
    complained.delete(path)
    waits.delete(path)
    index.seen(path, digest, size, after.modified)
  }

  /** Whatever was said of a path, something else may come to lie there. */
  const forget = (path: string): void => {
    complained.delete(path)
    waits.delete(path)
  }

  return { look, rest, trying, refuse, forget }
}
