import { type JsMsg, jetstream } from '@nats-io/jetstream'
import type { Batch, Bus, Cursor } from './bus.ts'
import type { Connection } from './connection.ts'
import { decode, foundBy } from './message.ts'
import { pull } from './pull.ts'

/** For how long the server keeps a follower's consumer that asks for nothing: one left behind slows the others down. */
const forgottenAfter = 60_000

/**
 * Follows the log from a cursor with an ordered consumer, in batches, no faster than `handle` goes. After every doubt it
 * verifies its cursor first: a follower of a stream that was made anew would otherwise just fall silent.
 */
export const follower =
  (connection: Connection, logId: string, verify: (cursor: Cursor) => Promise<void>): Bus['follow'] =>
  (after, handle, signal, only) => {
    let cursor = after
    return pull(
      connection,
      {
        open: async () => {
          await verify(cursor)
          return jetstream(connection.nc).consumers.get('EVENTS', {
            opt_start_seq: cursor.sequence + 1,
            inactive_threshold: forgottenAfter,
            ...(only && { filter_subjects: [...only] }),
          })
        },
        handle: async (messages) => {
          if (signal.aborted) return []
          const batch = batchOf(logId, messages)
          await handle(batch)
          const last = batch.events.at(-1) ?? { id: cursor.lastId, sequence: cursor.lastSequence }
          cursor = { logId, sequence: batch.upTo, lastId: last.id, lastSequence: last.sequence }
          return []
        },
        close: (consumer) => consumer.delete(),
      },
      signal,
    )
  }

/** Messages of the log as a handler gets them. */
export const batchOf = (logId: string, messages: readonly JsMsg[]): Batch => {
  const events = messages.flatMap((message) => decode(logId, foundBy(message)) ?? [])
  const newest = messages.at(-1)
  return {
    events,
    upTo: newest?.seq ?? 0,
    dropped: messages.length - events.length,
    pending: newest?.info.pending ?? 0,
  }
}
