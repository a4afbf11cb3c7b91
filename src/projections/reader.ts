import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { faults } from '#bus/fault'
import { fileAt, heldUp } from './database.ts'
import { isHeld } from './held.ts'
import type { Projection } from './projection.ts'

/** Typed queries over a projection's tables. */
export type Db = BetterSQLite3Database

/** Which log a database speaks of, and how far. */
export type Place = { readonly logId: string; readonly sequence: number }

/** Reads a database that somebody else keeps. */
export type Reader = {
  /** Asks within one snapshot. */
  readonly read: <T>(ask: (db: Db, place: Place) => T) => T
  readonly close: () => void
}

/** Opens a database for reading, and opens it again when another has taken its place. */
export const openReader = (path: string, projection: Pick<Projection, 'name' | 'version'>): Reader => {
  let open: { readonly file: number; readonly raw: Database.Database; readonly db: Db } | undefined

  const close = (): void => {
    open?.raw.close()
    open = undefined
  }
  const present = (): NonNullable<typeof open> => {
    const file = fileAt(path)
    if (file === undefined) throw faults.rebuilding(path) // Somebody has removed it; the follower builds it anew.
    if (open?.file === file) return open
    close()
    const raw = new Database(path, { readonly: true, fileMustExist: true, timeout: heldUp })
    open = { file, raw, db: drizzle(raw) }
    return open
  }
  const read = <T>(ask: (db: Db, place: Place) => T): T => {
    try {
      const { raw, db } = present()
      return raw.transaction(() => ask(db, placeIn(raw) as Place))()
    } catch (cause) {
      if (!(cause instanceof Database.SqliteError)) throw cause
      if (isHeld(cause)) throw faults.busyDatabase(path)
      // What can't be opened is being replaced: the follower would have told if it were not ours.
      throw open && isOf(projection.version, open.raw) ? cause : faults.rebuilding(path)
    }
  }
  return { read, close }
}

type Found = Place & { readonly version: number }

const placeIn = (raw: Database.Database): Found | undefined =>
  raw.prepare<[], Found>('select logId, sequence, version from checkpoint').get()

/** Whether what is there has been made by this version: another one, or none, is being replaced. */
const isOf = (version: number, raw: Database.Database): boolean => {
  try {
    return placeIn(raw)?.version === version
  } catch {
    return false
  }
}
