import { type JsMsg, jetstream } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Batch, Cursor } from './bus.ts'
import { decode, foundBy } from './message.ts'
import { pull } from './pull.ts'

/**
 * Follows the log from a cursor with an ordered consumer, in batches, no faster than `handle` goes. After every doubt it
 * verifies its cursor first: a follower of a stream that was made anew would otherwise just fall silent.
 */
export const follower =
  (nc: NatsConnection, logId: string, verify: (cursor: Cursor) => Promise<void>) =>
  async (
    after: Cursor,
    handle: (batch: Batch) => unknown,
    signal: AbortSignal,
    only?: readonly string[],
  ): Promise<void> => {
    let cursor = after
    const handOn = async (messages: readonly JsMsg[]) => {
      const batch = batchOf(logId, messages)
      await handle(batch)
      const last = batch.events.at(-1) ?? { id: cursor.lastId, sequence: cursor.lastSequence }
      cursor = { logId, sequence: batch.upTo, lastId: last.id, lastSequence: last.sequence }
    }
    const open = async () => {
      await verify(cursor)
      return jetstream(nc).consumers.get('EVENTS', {
        opt_start_seq: cursor.sequence + 1,
        ...(only && { filter_subjects: [...only] }),
      })
    }
    await pull(
      nc,
      {
        open,
        handle: handOn,
        close: (consumer) => consumer.delete(), // One left behind slows the next follower down.
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
