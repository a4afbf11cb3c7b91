import type { Database } from 'better-sqlite3'
import type { Batch, Bus } from '#bus/bus'
import { applier, type Halt } from './apply.ts'
import { discard, dropIndexes, makeIndexes, openForBuilding } from './database.ts'
import type { Projection } from './projection.ts'

/** A database, and what folds events into it. */
export type Writer = ReturnType<typeof applier> & { readonly db: Database }

export const writing = (db: Database, projection: Projection): Writer => ({ db, ...applier(db, projection) })

/** A database that has read the whole log, or the reason why it could not: then it is gone already. */
export type Built = { readonly writer: Writer; readonly halt?: Halt | undefined }

/** Reads the log from its beginning into a new file, until nothing is known to wait behind it. */
export const readAll = async (bus: Bus, file: string, projection: Projection, signal: AbortSignal): Promise<Built> => {
  discard(file)
  const writer = writing(openForBuilding(file, projection, bus.logId), projection)
  const indexes = dropIndexes(writer.db, projection)
  const caughtUp = new AbortController()
  let halt: Halt | undefined
  const take = (batch: Batch): void => {
    halt ??= writer.apply(batch).halt
    if (halt || batch.pending === 0) caughtUp.abort()
  }
  const drop = (): void => {
    writer.db.close()
    discard(file)
  }
  try {
    if ((await bus.head()) > 0) await bus.follow(writer.checkpoint(), take, AbortSignal.any([signal, caughtUp.signal]))
    signal.throwIfAborted()
    if (!halt) await makeIndexes(writer.db, indexes)
  } catch (cause) {
    drop()
    throw cause
  }
  if (halt) drop()
  return { writer, halt }
}
