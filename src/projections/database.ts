import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { faults, reasonOf } from '#bus/fault'
import { takeLock } from '#bus/lock'
import { makeFolder } from '#bus/make-folder'
import { isHeld, onceFree } from './held.ts'
import type { Projection } from './projection.ts'

/** Marks a file as ours, so that nobody else's database is ever thrown away. */
const ours = 0x4d494c4c

/**
 * For how long this thread stands still where another program holds a database, in milliseconds. Whoever can wait longer
 * tries again later.
 */
export const heldUp = 100

/** What a database file is. */
export type FoundFile =
  | { readonly is: 'missing' }
  | { readonly is: 'ours'; readonly name: string; readonly version: number; readonly logId: string }

/**
 * Looks at a file. One that is not ours is a fault: a rebuild would replace it. So is one that another program holds at this
 * moment, as nobody can tell what it is.
 */
export const inspect = (path: string): FoundFile => {
  if (!existsSync(path)) return { is: 'missing' }
  let db: Database.Database | undefined
  try {
    db = new Database(path, { timeout: heldUp })
    if (db.pragma('application_id', { simple: true }) !== ours) {
      const empty = db.prepare('select count(*) as tables from sqlite_master').pluck().get() === 0
      if (empty) return { is: 'missing' }
      throw faults.foreignDatabase(path, 'another program made it')
    }
    const found = db.prepare('select name, version, logId from checkpoint').get() as Omit<
      FoundFile & { is: 'ours' },
      'is'
    >
    return { is: 'ours', ...found }
  } catch (cause) {
    if (isHeld(cause)) throw faults.busyDatabase(path)
    if (cause instanceof Database.SqliteError) throw faults.foreignDatabase(path, reasonOf(cause))
    throw cause
  } finally {
    db?.close()
  }
}

export type Claim = {
  readonly path: string
  readonly projection: Projection
  readonly logId: string
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** Takes the lock of a database, and only then looks at its file, and makes one where there is none. */
export const claim = async ({ path, projection, logId, signal, say }: Claim) => {
  makeFolder(`The database ${path}`, dirname(path))
  const lock = await takeLock(`${path}.lock`, `The projection ${path}`, say)
  const look = (): FoundFile => {
    const found = inspect(path)
    if (found.is === 'missing') openDatabase(path, projection, logId).close()
    return found
  }
  try {
    const looked = await onceFree(path, look, signal, say)
    if (!looked) throw signal.reason
    return { lock, found: looked.with }
  } catch (cause) {
    await lock.release()
    throw cause
  }
}

/** Opens a database for writing, and makes its tables where it is new. All else is folded from the log, so a sync less does no harm. */
export const openDatabase = (path: string, { schema, name, version }: Projection, logId: string): Database.Database => {
  makeFolder(`The database ${path}`, dirname(path))
  const db = new Database(path, { timeout: heldUp })
  try {
    db.pragma('journal_mode = wal')
    db.pragma('synchronous = normal')
    if (db.pragma('application_id', { simple: true }) !== ours)
      db.transaction(() => {
        db.exec(schema)
        db.prepare(
          'insert into checkpoint (one, name, version, logId, sequence, dropped, time) values (1, ?, ?, ?, 0, 0, 0)',
        ).run(name, version, logId)
        db.pragma(`application_id = ${ours}`)
      })()
    return db
  } catch (cause) {
    db.close()
    throw cause
  }
}

/**
 * Opens a database to be built in one go, which nobody reads before it is whole: nothing of it is synced, because after a
 * crash it is begun anew, and more of it is kept in memory, because its indexes are written all over.
 */
export const openForBuilding = (path: string, projection: Projection, logId: string): Database.Database => {
  const db = openDatabase(path, projection, logId)
  db.pragma('journal_mode = memory')
  db.pragma('synchronous = off')
  db.pragma('cache_size = -32768') // Kibibytes.
  return db
}

/** Closes a database with all of it in its one file, and that on disk, unless somebody has removed the file. May be repeated. */
export const settle = (db: Database.Database): void => {
  if (db.open) {
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.close()
  }
  if (fileAt(db.name) === undefined) return
  const file = openSync(db.name, 'r')
  fsyncSync(file)
  closeSync(file)
}

/** Which file lies at a path: a number that another file there would not have; undefined where none can be found. */
export const fileAt = (path: string): number | undefined => {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}

/** Says when the file that lies at a path is no longer the one that lies there now; looks until `end` is called. */
export const watchFile = (path: string, every: number): { readonly lost: AbortSignal; readonly end: () => void } => {
  const [file, lost] = [fileAt(path), new AbortController()]
  const watch = setInterval(() => fileAt(path) !== file && lost.abort(), every)
  return { lost: lost.signal, end: () => clearInterval(watch) }
}

/**
 * Puts a settled database where another one is, which nobody writes any more. Whoever reads the old one goes on with the
 * old file; its log is unlinked first, because the new database would take one of that name for its own.
 */
export const replace = (path: string, by: string): void => {
  discard(path, logsOnly)
  renameSync(by, path)
}

const logsOnly = ['-wal', '-shm']

/** Removes a database with what belongs to it. */
export const discard = (path: string, suffixes: readonly string[] = ['', ...logsOnly]): void => {
  for (const suffix of suffixes) rmSync(`${path}${suffix}`, { force: true })
}

/** Why a database that is ours can't be followed into as it is; undefined where it can. */
export const outdatedBy = (found: FoundFile, { name, version }: Projection, logId: string): string | undefined => {
  if (found.is === 'missing') return undefined
  if (found.name !== name || found.version !== version)
    return `it is ${found.name} ${found.version}, and this version keeps ${name} ${version}`
  return found.logId === logId ? undefined : `it was made from log ${found.logId}, and this is ${logId}`
}
