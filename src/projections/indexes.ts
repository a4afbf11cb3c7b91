import { setImmediate } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { reasonOf } from '#bus/fault'
import { passes } from './held.ts'
import type { Projection } from './projection.ts'
import { unblocked } from './unblocked.ts'

/**
 * Drops the indexes that no handler reads by, and gives the SQL that makes them: over rows that are all there it takes a
 * fraction of what keeping them up takes with every row.
 */
export const dropIndexes = (db: Database, { readsBy }: Projection): readonly string[] => {
  const indexes = db.prepare("select name, sql from sqlite_master where type = 'index' and sql is not null").all()
  const dropped = (indexes as { readonly name: string; readonly sql: string }[]).filter(
    ({ name, sql }) => !sql.startsWith('CREATE UNIQUE') && !readsBy.includes(name),
  )
  for (const { name } of dropped) db.exec(`drop index "${name}"`)
  return dropped.map(({ sql }) => sql)
}

/**
 * Makes indexes, one after the other, so that whoever else waits for this thread has a turn in between; and each once the disk
 * has room for it, unless `signal` aborts before.
 */
export const makeIndexes = async (
  db: Database,
  indexes: readonly string[],
  signal: AbortSignal,
  tell: (reason: string) => void,
): Promise<void> => {
  for (const sql of indexes) {
    const make = (): string | undefined => {
      try {
        db.exec(sql)
        return undefined
      } catch (cause) {
        if (passes(cause)) return reasonOf(cause)
        throw cause
      }
    }
    await unblocked(make, signal, tell)
    signal.throwIfAborted()
    await setImmediate()
  }
}
