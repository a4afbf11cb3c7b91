import type { Stats } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { watch as chokidar } from 'chokidar'
import { faults, reasonOf } from '#bus/fault'
import { isHidden, pathIn, workshop } from './folder.ts'
import { openMissing } from './missing.ts'
import { type Watch, watchPlace } from './place.ts'
import { openResting } from './resting.ts'
import { isAs, isGarbled, same } from './stamp.ts'
import type { Store } from './store.ts'

type Options = {
  readonly settle: number
  /** Whether files count whose names begin with a dot. */
  readonly hidden?: boolean | undefined
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
  { settle, hidden = false, ignoreExisting, say = () => undefined, signal }: Options,
): Promise<{ readonly ended: Promise<void> }> => {
  const watch: Watch = (place, patience, until) =>
    watchFolder(store, { settle, hidden, ignoreExisting, place, patience, signal: until })
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
  { settle, hidden = false, ignoreExisting, place, patience, signal }: Folder,
): Promise<{ readonly ended: Promise<void> }> => {
  if (signal.aborted) return { ended: Promise.resolve() } // It would not be told again.
  const { root, index } = store
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>()
  const fail = (cause: unknown): void => reject(faults.unwatchable(root, cause))
  /** What can't be noted (a full disk) ends the watching with a sentence; the next start finds what was missed. */
  const safely = (act: () => unknown): void => {
    void (async () => act())().catch(fail)
  }
  const { look, rest, trying, refuse, forget } = openResting({ store, settle, safely, fail, signal })
  const missing = openMissing({ store, place, settle, safely, signal })
  const vanished = new Set(index.paths())
  let ignoring = ignoreExisting && !index.begun()
  const isOthers = (file: string): boolean =>
    file !== root && (hidden ? file === join(root, workshop) : isHidden(pathIn(root, file)))

  /** What has a name that is no text is not told by the watcher, only by the system below it. */
  const named = (path: string): void => {
    if (isGarbled(path) && !isOthers(join(root, path))) safely(() => trying(path, async () => void (await look(path))))
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
    ignored: isOthers,
    followSymlinks: false,
    atomic: false,
  })
  signal.addEventListener('abort', () => void watcher.close())
  for (const change of ['add', 'change'] as const)
    watcher.on(change, (file, stats) => safely(() => trying(pathIn(root, file), () => arrived(file, stats))))
  watcher.on('unlink', (file) => {
    const path = pathIn(root, file)
    forget(path)
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
