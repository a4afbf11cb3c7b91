import type { Database } from 'better-sqlite3'
import type { Batch, Cursor } from '#bus/bus'
import { reasonOf } from '#bus/fault'
import { readEvent } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import { passes } from './held.ts'
import { rejected, times } from './log-tables.ts'
import type { Projection } from './projection.ts'
import { rowsOf } from './rows.ts'

/** How many events share one transaction. */
const chunkSize = 1000

export type Checkpoint = Cursor & { readonly dropped: number; readonly time: number }

/** An event that a handler could not take: the projection is right up to there, and no further. */
export type Halt = { readonly event: Recorded; readonly reason: string }

/** What a batch came to: the events that changed rows, in order, and why it went no further, if it did not. */
export type Applied = {
  readonly events: readonly Recorded[]
  readonly halt?: Halt
  /** Why the database could not be written at this moment: no event is at fault, and the batch can be tried again. */
  readonly blocked?: string
}

/**
 * Folds batches into a database: rows and checkpoint in one transaction. Delivered twice, applied once. While there are no
 * indexes yet, what is found by them is left for `complete`.
 */
export const applier = (db: Database, projection: Projection, { indexed = true } = {}) => {
  const rows = rowsOf(db)
  const select = db.prepare<[], Checkpoint>(
    'select logId, sequence, lastId, lastSequence, dropped, time from checkpoint',
  )
  const save = db.prepare(
    'update checkpoint set sequence = ?, lastId = ?, lastSequence = ?, dropped = ?, time = ? where one = 1',
  )
  let at = select.get() as Checkpoint

  let hasIndexes = indexed

  const applyOne = (event: Recorded, time: number): boolean => {
    if (event.storedAt > time) rows.add(times, { sequence: event.sequence, time: event.storedAt })
    const reading = readEvent(event)
    const reason = reading.kept ? projection.doubt(reading.event) : reading.reason
    if (reading.kept && reason === undefined) {
      projection.on[event.type]?.(rows, reading.event as never)
      return true
    }
    const { sequence, id, type, version, address, storedAt } = event
    rows.add(rejected, { sequence, id, type, version, ...address, reason: reason ?? 'unknown', at: storedAt })
    return false
  }

  /** All of these or none. Says what was applied; throws with the event where a handler did. */
  const applyChunk = db.transaction((chunk: readonly Recorded[], upTo: number, dropped: number) => {
    const kept: Recorded[] = []
    let { time } = at
    for (const event of chunk) {
      try {
        if (applyOne(event, time)) kept.push(event)
      } catch (cause) {
        if (passes(cause)) throw cause
        throw { event, reason: reasonOf(cause) } satisfies Halt
      }
      time = Math.max(time, event.storedAt)
    }
    if (hasIndexes) while (projection.complete(rows));
    const last = chunk.at(-1) ?? { id: at.lastId, sequence: at.lastSequence }
    const next = {
      ...at,
      sequence: upTo,
      lastId: last.id,
      lastSequence: last.sequence,
      dropped: at.dropped + dropped,
      time,
    }
    save.run(next.sequence, next.lastId, next.lastSequence, next.dropped, next.time)
    return { kept, next }
  })

  /** Where a handler throws, what came before it in the chunk is applied, whatever the batches were. */
  const commit = (chunk: readonly Recorded[], upTo: number, dropped: number): Applied => {
    try {
      const { kept, next } = applyChunk.immediate(chunk, upTo, dropped)
      at = next
      return { events: kept }
    } catch (cause) {
      if (passes(cause)) return { events: [], blocked: reasonOf(cause) }
      if (!isHalt(cause)) throw cause
      const before = chunk.slice(0, chunk.indexOf(cause.event))
      const last = before.at(-1)
      const kept = last ? commit(before, last.sequence, 0) : { events: [] }
      return kept.blocked === undefined ? { ...kept, halt: cause } : kept
    }
  }

  const apply = ({ events, upTo, dropped }: Batch): Applied => {
    if (upTo <= at.sequence) return { events: [] }
    const fresh = events.filter(({ sequence }) => sequence > at.sequence)
    const done: Recorded[] = []
    for (let start = 0; start === 0 || start < fresh.length; start += chunkSize) {
      const chunk = fresh.slice(start, start + chunkSize)
      const isLast = start + chunkSize >= fresh.length
      const end = isLast ? upTo : (chunk.at(-1)?.sequence ?? upTo)
      const { events: kept, ...stop } = commit(chunk, end, isLast ? dropped : 0)
      done.push(...kept)
      if (stop.halt || stop.blocked !== undefined) return { events: done, ...stop }
    }
    return { events: done }
  }

  /** Does what was left, a part at a time, now that there are indexes; says whether there is more. */
  const complete = (): boolean => {
    hasIndexes = true
    return db.transaction(() => projection.complete(rows)).immediate()
  }

  return { apply, complete, checkpoint: (): Checkpoint => at }
}

const isHalt = (thrown: unknown): thrown is Halt =>
  typeof thrown === 'object' && thrown !== null && 'event' in thrown && 'reason' in thrown
