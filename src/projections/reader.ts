import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3'
import { faults } from '#bus/fault'
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
    const file = statSync(path).ino
    if (open?.file !== file) {
      close()
      const raw = new Database(path, { readonly: true, fileMustExist: true })
      raw.pragma('busy_timeout = 5000')
      open = { file, raw, db: drizzle(raw) }
    }
    return open as NonNullable<typeof open>
  }
  const read = <T>(ask: (db: Db, place: Place) => T): T => {
    const { raw, db } = present()
    const select = raw.prepare<[], Place & { version: number }>('select logId, sequence, version from checkpoint')
    try {
      return raw.transaction(() => ask(db, select.get() as Place))()
    } catch (cause) {
      const outdated = cause instanceof Database.SqliteError && select.get()?.version !== projection.version
      throw outdated ? faults.rebuilding(path) : cause
    }
  }
  return { read, close }
}
