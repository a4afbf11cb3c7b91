import type { Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { watch as chokidar } from 'chokidar'
import { faults, reasonOf } from '#bus/fault'
import { inside, pathIn, workshop } from './folder.ts'
import { openMissing } from './missing.ts'
import { type Watch, watchPlace } from './place.ts'
import { digestOf, isAs, isGarbled, type Stamp, same, stampOf } from './stamp.ts'
import type { Store } from './store.ts'
import { queueFor } from './turns.ts'

/** How many files are hashed at once. */
const hashedAtOnce = 4

/** After how long a file that could not be read is tried again, at first and at most, in milliseconds. */
const tryAgainAfter = 5_000
const tryAgainAtLatest = 300_000

type Options = {
  readonly settle: number
  readonly ignoreExisting: boolean
  readonly say?: (line: string) => void
  readonly signal: AbortSignal
}

/**
 * Watches a store's folder until `signal` aborts, whatever becomes of the folder. A file is taken once its size and time have
 * stood still for `settle` milliseconds and were still the same after it had been hashed; known bytes are not hashed again.
 * Resolves when what lay there at the start has been looked at; `ended` rejects where the system can't watch it any longer.
 */
export const watchStore = (
  store: Store,
  { settle, ignoreExisting, say = () => undefined, signal }: Options,
): Promise<{ readonly ended: Promise<void> }> => {
  const watch: Watch = (place, patience, until) =>
    watchFolder(store, { settle, ignoreExisting, place, patience, signal: until })
  return watchPlace({
    root: store.root,
    kept: store.index,
    settle,
    watch,
    say,
    signal,
  })
}

type Folder = Omit<Options, 'say'> & {
  readonly place: string | undefined
  /** How long what is missing at the start may take to come back. */
  readonly patience: number
}

/** Watches a store's folder as long as it is the same one. */
const watchFolder = async (
  store: Store,
  { settle, ignoreExisting, place, patience, signal }: Folder,
): Promise<{ readonly ended: Promise<void> }> => {
  if (signal.aborted) return { ended: Promise.resolve() } // It would not be told again.
  const { root, index } = store
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>()
  const fail = (cause: unknown): void => reject(faults.unwatchable(root, cause))
  /** What can't be noted (a full disk) ends the watching with a sentence; the next start finds what was missed. */
  const safely = (act: () => unknown): void => {
    void (async () => act())().catch(fail)
  }
  const resting = new Map<string, { timer: NodeJS.Timeout; stamp: Stamp | undefined }>()
  const complained = new Map<string, string>()
  const waits = new Map<string, number>()
  const missing = openMissing({ store, place, settle, safely, signal })
  const vanished = new Set(index.paths())
  let ignoring = ignoreExisting && !index.begun()

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

  /** What has a name that is no text is not told by the watcher, only by the system below it. */
  const named = (path: string): void => {
    if (isGarbled(path)) safely(() => trying(path, async () => void (await look(path))))
  }

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

  const arrived = async (file: string, stats?: Stats): Promise<void> => {
    const path = pathIn(root, file)
    if (signal.aborted) return
    vanished.delete(path)
    if (ignoring) index.existing(path)
    else if (stats?.isFile() && isAs(index.known(path), stats)) return // Found at the start as it was left.
    const stamp = await look(path)
    if (signal.aborted) return // The database may be closed by now.
    const known = index.known(path)
    if (stamp && !(known && same(known, stamp))) rest(path, stamp)
  }

  const watcher = chokidar(root, {
    ignored: join(root, workshop),
    followSymlinks: false,
    atomic: false,
  })
  signal.addEventListener('abort', () => {
    for (const { timer } of resting.values()) clearTimeout(timer)
    void watcher.close()
  })
  for (const change of ['add', 'change'] as const)
    watcher.on(change, (file, stats) => safely(() => trying(pathIn(root, file), () => arrived(file, stats))))
  watcher.on('unlink', (file) => {
    const path = pathIn(root, file)
    complained.delete(path)
    waits.delete(path)
    missing.lookLater(path)
  })
  watcher.on('raw', (_, name, about) => {
    const { watchedPath } = about as { readonly watchedPath?: string }
    if (name && watchedPath) named(pathIn(root, join(watchedPath, name)))
  })
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', () => resolve())
  })
  signal.addEventListener('abort', () => end())
  watcher.on('error', (cause) => {
    const { code, path } = cause as NodeJS.ErrnoException
    // A folder in it that is not ours to read harms none of the others.
    if ((code === 'EACCES' || code === 'EPERM') && path && path !== root)
      safely(() => refuse(pathIn(root, path), reasonOf(cause)))
    else fail(cause)
  })
  await Promise.race([ready, ended])
  // With their types: without, links are followed, and two that lead to a folder above them have no end.
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  if (signal.aborted) return { ended } // What has not been looked at is not gone.
  ignoring = false
  index.begin()
  for (const { parentPath, name } of entries) named(pathIn(root, join(parentPath, name)))
  for (const path of vanished)
    if (patience > 0) missing.lookLater(path, patience)
    else await missing.look(path)
  return { ended }
}
