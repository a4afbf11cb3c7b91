import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { reasonOf } from '#bus/fault'
import { atMost } from '../turns.ts'
import { inside } from './folder.ts'
import { placeOf } from './place.ts'
import type { Item } from './resource.ts'
import { draftIn, type Source } from './source.ts'
import type { Store } from './store.ts'

/** How many items are fetched at once, and in one look; what is more comes with the next one, which follows at once. */
const fetchedAtOnce = 4
const fetchedInALook = 10_000

/** How many items a resource may list. */
const mostListed = 1_000_000

/** How many items in a row may fail for the first time until it is rather the resource that has. */
const mostFailed = 20

/** After how long an item that is recorded as unreadable is tried again, at first; and the longest pause, in milliseconds. */
const triedAgainAfter = 5_000
const longest = 300_000

/** What this machine lacks, whichever item is fetched. */
const ours: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE', 'EIO'])

type Failure = {
  readonly version: string
  readonly tries: number
  readonly reason: string | undefined
  readonly until: number
}

type Options = {
  /** How long it rests between two looks, in milliseconds. */
  readonly every: number
  readonly ignoreExisting: boolean
  readonly say?: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Looks at a resource again and again until `signal` aborts, and keeps its mirror as it is: fetches what is new or has another
 * version, removes what has gone. A resource that can't be seen is asked ever more rarely, and that is said, once for each
 * reason. An item that can't be fetched is tried once more with the next look; then it is recorded as unreadable, and tried
 * ever more rarely too.
 */
export const pollResource = async (
  { root, index, mirror }: Store,
  source: Source,
  { every, ignoreExisting, say = () => undefined, signal }: Options,
): Promise<void> => {
  const limited = atMost(fetchedAtOnce)
  let failures = new Map<string, Failure>()
  /** The folder in which all that is known was seen to lie, and the one of which it was said that something is missing. */
  let whole: string | undefined
  let lacking: string | undefined

  /** What is new, and whether there is more of it than is fetched in one look. */
  const list = async (): Promise<{ readonly wanted: readonly Item[]; readonly more: boolean }> => {
    const ignoring = ignoreExisting && !index.begun()
    const vanished = new Set(index.paths())
    const failing = new Map<string, Failure>()
    const wanted = new Map<string, Item>()
    const now = performance.now()
    let [listed, lost, more] = [0, 0, false]
    await mkdir(root, { recursive: true }) // Somebody may have removed it, with all that was in it.
    const place = await placeOf(root)
    const lies = (path: string) => place === whole || index.known(path)?.digest === '' || existsSync(join(root, path))
    const take = (item: Item): void => {
      vanished.delete(item.path)
      const held = mirror.holds(item)
      if (held && lies(item.path)) return
      if (held) lost++
      else if (ignoring) {
        mirror.ignore(item)
        return
      }
      const failed = failures.get(item.path)
      if (failed?.version === item.version) {
        failing.set(item.path, failed)
        if (failed.until > now) return
      }
      if (wanted.size < fetchedInALook) wanted.set(item.path, item)
      else more = true
    }
    await source.list((items) => {
      listed += items.length
      if (listed > mostListed) throw new Error(`it lists more than ${mostListed} items`)
      items.forEach(take)
    }, signal)
    failures = failing
    for (const path of vanished) await mirror.vanish(path)
    if (!index.begun()) index.begin()
    if (lost === 0) whole = place
    else if (lacking !== place) say(`its folder ${root} lacks ${lost} items that were in it: they are fetched again`)
    lacking = lost > 0 ? place : undefined
    return { wanted: [...wanted.values()], more }
  }

  const fetchOne = async (item: Item): Promise<void> => {
    await inside(root, item.path)
    const file = await draftIn(root)
    try {
      await source.read(item, file, signal)
      signal.throwIfAborted()
      await mirror.take(file, item)
    } finally {
      await rm(file, { force: true })
    }
  }

  /** Notes that an item could not be fetched; whether that is new. */
  const failed = ({ path, version }: Item, cause: unknown): boolean => {
    const before = failures.get(path)
    const reason = reasonOf(cause)
    const refused = (cause as { code?: unknown }).code === 'store.outside'
    const tries = (before?.tries ?? 0) + 1
    const told = refused || tries > 1
    if (told && before?.reason !== reason) index.unreadable(path.slice(0, 1_000) || '(without a name)', reason)
    const rest = refused
      ? Number.POSITIVE_INFINITY
      : tries > 1
        ? Math.min(longest, Math.max(every, triedAgainAfter) * 2 ** (tries - 2))
        : 0
    failures.set(path, { version, tries, reason: told ? reason : undefined, until: performance.now() + rest })
    return !told
  }

  /** Fetches what was never tried; then what has failed before, one by one, so that none is blamed for another. */
  const fetchAll = async (wanted: readonly Item[]): Promise<void> => {
    let inARow = 0
    let broken: unknown
    const fetchNext = async (item: Item): Promise<void> => {
      if (broken || signal.aborted) return
      try {
        await fetchOne(item)
        failures.delete(item.path)
        inARow = 0
      } catch (cause) {
        if (signal.aborted) return
        if (ours.has((cause as { readonly code?: unknown }).code)) broken = cause
        else if (failed(item, cause) && ++inARow >= mostFailed) broken = cause
      }
    }
    const isRetried = ({ path }: Item) => failures.has(path)
    const retried = wanted.filter(isRetried)
    await Promise.all(wanted.filter((item) => !isRetried(item)).map((item) => limited(() => fetchNext(item))))
    for (const item of retried) await fetchNext(item)
    if (broken) throw broken
  }

  for (let failed = 0; !signal.aborted; ) {
    let pause = every
    try {
      const { wanted, more } = await list()
      await fetchAll(wanted)
      failed = 0
      if (!signal.aborted) index.back()
      if (more) pause = 0
    } catch (cause) {
      if (signal.aborted) return
      index.failing(reasonOf(cause).slice(0, 2_000))
      // Not all at the same moment, where many wait for one.
      pause = Math.min(longest, Math.max(every, 1_000) * 2 ** failed++) * (0.5 + Math.random() / 2)
    }
    await delay(pause, undefined, { signal }).catch(() => undefined)
  }
}
