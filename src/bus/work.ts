import { AckPolicy, type ConsumerConfig, type JsMsg, jetstream } from '@nats-io/jetstream'
import type { Recorded } from '#contracts/envelope'
import { workOf, worksOf } from '#contracts/subjects'
import { type Bus, type Cursor, lease, type Work, type WorkItem } from './bus.ts'
import { answeredWithin, type Connection, reliably, unlessDenied } from './connection.ts'
import { batchOf } from './follow.ts'
import { decodeCarried, encodeCarried } from './message.ts'
import {
  answeredWith,
  asFault,
  batchLimit,
  type Outgoing,
  publishBatch,
  type Stored,
  serverCode,
  store,
} from './publish.ts'
import { acknowledge, answer, pull, receiptOf } from './pull.ts'

type WorkBus = Pick<Bus, 'put' | 'react' | 'take' | 'release'>

/** Work: putting it, taking it; and reacting to events under a durable name. */
export const openWork = (connection: Connection, logId: string, verify: (cursor: Cursor) => Promise<void>): WorkBus => {
  const put: Bus['put'] = async (items) => {
    const messages = items.map(outgoingOf)
    for (let start = 0; start < messages.length; start += batchLimit) {
      const some = messages.slice(start, start + batchLimit)
      const subjects = new Set(some.map(({ subject }) => subject))
      const isOurs = (subject: string) => subjects.has(subject)
      const batch = () => unlessDenied(connection, 'put work', isOurs, () => publishBatch(connection, some))
      if ((await reliably(connection, 'put work', batch, Number.POSITIVE_INFINITY)).stored) continue
      // Some of it lies there already, and a batch is all or none: one by one, then.
      for (const message of some) refuseUnlessThere(await store(connection, message))
    }
  }

  const react: Bus['react'] = (name, handle, signal) => {
    const open = async () => {
      await verify({ logId, sequence: 0 })
      return openDurable(connection, 'EVENTS', { durable_name: name, max_ack_pending: 4 * batchLimit })
    }
    const handOn = async (messages: readonly JsMsg[]) => {
      if (signal.aborted) return messages
      await handle(batchOf(logId, messages))
      for (const message of messages) answer(() => message.ack())
      return []
    }
    return pull(connection, { open, handle: handOn, acknowledged: true }, signal)
  }

  const take: Bus['take'] = async (where, agent, handle, { concurrency, signal }) => {
    const underWay = new Set<Promise<void>>()
    const durable_name = `${where}=${agent}` // No name holds a `=`.
    let asks = false
    const wanted = async () => (await connection.jsm.consumers.info('WORK', durable_name)).num_waiting > (asks ? 1 : 0)
    const begin = (message: JsMsg) => {
      const event = decodeCarried(logId, message)
      if (!event) return message.term('not work')
      const work = { ...workIn(connection, event, message), wanted }
      // What a handler throws is its own affair: the delivery stays out until the lease has run out.
      const handling = handle(work)
        .catch(() => undefined)
        .finally(() => underWay.delete(handling))
      underWay.add(handling)
    }
    const config = {
      durable_name,
      filter_subject: worksOf(where, agent),
      max_ack_pending: concurrency, // Over all who take from it.
    }
    await pull(
      connection,
      {
        open: () => openDurable(connection, 'WORK', config),
        room: async () => {
          asks = false
          while (underWay.size >= concurrency) await Promise.race(underWay)
          asks = true
          return concurrency - underWay.size
        },
        handle: async (messages) => {
          if (signal.aborted) return messages
          messages.forEach(begin)
          return []
        },
        acknowledged: true,
      },
      signal,
    )
    await Promise.all(underWay)
  }

  return { put, react, take, release: (receipt) => connection.nc.publish(receipt, '-NAK') }
}

/** Asks for a consumer to be changed; its type does not know that the client library passes it on. */
const update: object = { action: 'update' }

/** One durable consumer for each name, shared by replicas; what is not acknowledged within the lease comes again. */
export const openDurable = async (
  { nc, jsm }: Connection,
  stream: string,
  config: Partial<ConsumerConfig> & { readonly durable_name: string },
) => {
  const stated = { ack_policy: AckPolicy.Explicit, ack_wait: lease * 1e6, max_deliver: -1, ...config }
  const info = await jsm.consumers.add(stream, stated).catch((cause: unknown) => {
    const isOther = [serverCode.consumerExists, serverCode.consumerNameInUse].some((code) => answeredWith(cause, code))
    // It is there otherwise than stated: with the bound that somebody stated earlier, or as an earlier version made it.
    if (isOther) return jsm.consumers.add(stream, stated, update)
    throw cause
  })
  return jetstream(nc).consumers.getConsumerFromInfo(info)
}

const outgoingOf = ({ where, agent, event }: WorkItem): Outgoing => {
  const message = encodeCarried(event)
  // The subject alone says what is there already: the window of the id would swallow work that is put again later.
  message.headers.delete('Nats-Msg-Id')
  return { subject: workOf(where, agent, event.id), ...message }
}

/** What lies there already is no failure. A full stream is answered with the same code: only the words tell. */
const refuseUnlessThere = (stored: Stored): void => {
  if (stored.stored) return
  const isThere = stored.code === serverCode.notStored && /messages per subject/.test(stored.description)
  if (!isThere) throw asFault('a piece of work', stored)
}

const workIn = (connection: Connection, event: Recorded, message: JsMsg): Omit<Work, 'wanted'> => ({
  event,
  delivery: message.info.deliveryCount,
  receipt: receiptOf(message),
  working: async () => {
    await connection.nc.request(receiptOf(message), '+WPI', { timeout: answeredWithin })
  },
  done: () => acknowledge(connection, message),
  postpone: (milliseconds) => message.nak(milliseconds),
})
