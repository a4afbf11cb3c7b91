import { AckPolicy, type ConsumerConfig, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { header, type Recorded } from '#contracts/envelope'
import { addressOf, deadOf, historyOf, workOf, worksOf } from '#contracts/subjects'
import type { Batch, Dead, TakeOptions, Work, WorkItem } from './bus.ts'
import { batchOf } from './follow.ts'
import { decode, encode, foundBy } from './message.ts'
import { asFault, batchLimit, type Outgoing, publish, publishBatch, type Stored, serverCode } from './publish.ts'
import { pull } from './pull.ts'

/** How long a delivery may go without a sign of life before it is delivered again, in milliseconds. */
export const lease = 30_000

/** Where the event lies that a piece of work is: the message carries these beside the event's own headers. */
const origin = { sequence: 'Millrace-Origin-Sequence', storedAt: 'Millrace-Origin-Stored' } as const

/** Work: putting it, taking it, giving up on it; and reacting to events under a durable name. */
export const openWork = async (nc: NatsConnection, logId: string) => {
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const js = jetstream(nc)

  /** One durable consumer for each name, shared by replicas. */
  const durable = async (stream: string, config: Partial<ConsumerConfig> & { readonly durable_name: string }) => {
    await jsm.consumers.add(stream, {
      ack_policy: AckPolicy.Explicit,
      ack_wait: lease * 1e6,
      max_deliver: -1,
      ...config,
    })
    return js.consumers.get(stream, config.durable_name)
  }

  const put = async (items: readonly WorkItem[]): Promise<void> => {
    const messages = items.map(outgoingOf)
    for (let start = 0; start < messages.length; start += batchLimit) {
      const some = messages.slice(start, start + batchLimit)
      const stored = await publishBatch(nc, some)
      if (stored.stored) continue
      // Some of it lies there already, and a batch is all or none: one by one, then.
      for (const message of some) refuseUnlessThere(await publish(nc, message))
    }
  }

  const react = (name: string, handle: (batch: Batch) => Promise<void>, signal: AbortSignal): Promise<void> => {
    const handOn = async (messages: readonly JsMsg[]) => {
      await handle(batchOf(logId, messages))
      for (const message of messages) message.ack()
    }
    return pull(
      nc,
      {
        open: () => durable('EVENTS', { durable_name: name, max_ack_pending: 4 * batchLimit }),
        handle: handOn,
      },
      signal,
    )
  }

  const take = async (
    where: string,
    agent: string,
    handle: (work: Work) => Promise<void>,
    { concurrency, signal }: TakeOptions,
  ): Promise<void> => {
    const underWay = new Set<Promise<void>>()
    const begin = (message: JsMsg) => {
      const work = workIn(logId, message)
      if (!work) return message.term('not work')
      const handling = handle(work).finally(() => underWay.delete(handling))
      underWay.add(handling)
      handling.catch(() => undefined)
    }
    await pull(
      nc,
      {
        open: () => durable('WORK', { durable_name: `${where}--${agent}`, filter_subject: worksOf(where, agent) }),
        room: async () => {
          while (underWay.size >= concurrency) await Promise.race(underWay).catch(() => undefined)
          return concurrency - underWay.size
        },
        handle: async (messages) => {
          for (const message of messages) begin(message)
        },
      },
      signal,
    )
    await Promise.allSettled(underWay)
  }

  const release = (receipt: string): void => nc.publish(receipt, '-NAK')

  const bury = async (dead: Dead): Promise<void> => {
    const stored = await js.publish(deadOf(dead.where, dead.agent, dead.eventId), JSON.stringify(dead), {
      msgID: `dead-${dead.eventId}`,
    })
    if (!stored.seq) throw asFault('a dead letter', { stored: false, code: 0, description: 'not stored' })
  }

  const dead = async (): Promise<readonly Dead[]> => {
    const found: Dead[] = []
    const { state } = await jsm.streams.info('DEAD')
    if (state.messages === 0) return found
    for (let next = state.first_seq; next <= state.last_seq; ) {
      for await (const message of await jsm.direct.getBatch('DEAD', {
        seq: next,
        next_by_subj: 'dead.>',
        batch: 256,
      })) {
        next = message.seq + 1
        found.push(message.json<Dead>())
      }
    }
    return found
  }

  return { put, react, take, release, bury, dead }
}

const outgoingOf = ({ where, agent, event }: WorkItem): Outgoing => {
  const { headers, body } = encode(historyOf(event.address), event)
  headers.set(origin.sequence, String(event.sequence))
  headers.set(origin.storedAt, String(event.storedAt))
  return { subject: workOf(where, agent, event.id), headers, body }
}

const refuseUnlessThere = (stored: Stored): void => {
  if (!stored.stored && stored.code !== serverCode.tooManyPerSubject) throw asFault('a piece of work', stored)
}

/** The work a message carries; undefined where it carries none. */
const workIn = (logId: string, message: JsMsg): Work | undefined => {
  const subject = message.headers?.get(header.subject) ?? ''
  if (!addressOf(subject)) return undefined
  const event: Recorded | undefined = decode(logId, {
    ...foundBy(message),
    subject,
    sequence: Number(message.headers?.get(origin.sequence)),
    storedAt: Number(message.headers?.get(origin.storedAt)),
  })
  return (
    event && {
      event,
      delivery: message.info.deliveryCount,
      receipt: (message as { readonly reply?: string }).reply ?? '',
      working: () => message.working(),
      done: async () => {
        await message.ackAck()
      },
      postpone: (milliseconds) => message.nak(milliseconds),
    }
  )
}
