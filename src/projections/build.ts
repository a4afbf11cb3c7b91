import { setImmediate } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { Batch, Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { applier, type Halt } from './apply.ts'
import { discard, openForBuilding } from './database.ts'
import { dropIndexes, makeIndexes } from './indexes.ts'
import type { Projection } from './projection.ts'
import { endOf, unblocked } from './unblocked.ts'

/** A database, and what folds events into it. */
export type Writer = ReturnType<typeof applier> & { readonly db: Database }

export const writing = (db: Database, projection: Projection, options?: { readonly indexed: boolean }): Writer => ({
  db,
  ...applier(db, projection, options),
})

/** A database that has read the whole log, or the reason why it could not: then it is gone already. */
export type Built = { readonly writer: Writer; readonly halt?: Halt | undefined }

/**
 * Reads the log from its beginning into a new file, until nothing is known to wait behind it. Rejects where the connection
 * ends before: half a log is none.
 */
export const readAll = async (
  bus: Bus,
  file: string,
  projection: Projection,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Built> => {
  discard(file)
  const writer = writing(openForBuilding(file, projection, bus.logId), projection, { indexed: false })
  const indexes = dropIndexes(writer.db, projection)
  const ended = new AbortController()
  const ending = AbortSignal.any([signal, ended.signal])
  const wait = (reason: string) => say(`${file} can't be written for now: ${reason}`)
  let halt: Halt | undefined
  const take = async (batch: Batch): Promise<void> => {
    if (ending.aborted) return
    const attempt = () => {
      const applied = writer.apply(batch)
      halt = applied.halt
      return applied.blocked
    }
    await unblocked(attempt, signal, wait)
    if (halt || batch.pending === 0) ended.abort()
  }
  const drop = (): void => {
    writer.db.close()
    discard(file)
  }
  try {
    const end = await endOf(bus, signal, (reason) => say(`${file} can't be built for now: ${reason}`))
    if (end === 0) ended.abort()
    else if (end !== undefined) await bus.follow(writer.checkpoint(), take, ending)
    signal.throwIfAborted()
    if (!ended.signal.aborted) throw (await bus.closed) ?? faults.closed(`read the whole log into ${file}`)
    if (!halt) {
      await makeIndexes(writer.db, indexes, signal, wait)
      while (writer.complete()) await setImmediate()
    }
  } catch (cause) {
    drop()
    throw cause
  }
  if (halt) drop()
  return { writer, halt }
}
