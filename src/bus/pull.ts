import { setTimeout as delay } from 'node:timers/promises'
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import { errors, type Subscription } from '@nats-io/transport-node'
import { answeredWithin, type Connection, explained, reliably, unlessDenied } from './connection.ts'
import { Fault } from './fault.ts'

/** As many messages at once as a handler gets; no more are read ahead than these. */
export const batchSize = 1000

type Pull = {
  /** Opens the consumer: called at the start, and again after every doubt. */
  readonly open: () => Promise<Consumer>
  /** How many messages may come next; waits while there is no room. */
  readonly room?: () => Promise<number>
  /** Gets what has arrived, as soon as no more lies there, and says what of it it did not take. */
  readonly handle: (messages: readonly JsMsg[]) => Promise<readonly JsMsg[]>
  /** Whether messages are acknowledged: then those that were not taken are given back, all of them where `handle` throws. */
  readonly acknowledged?: boolean
  readonly close?: (consumer: Consumer) => Promise<unknown>
  /** For how long to wait until `room` is asked again though nothing has come, in milliseconds. */
  readonly expires?: number
}

/**
 * Pulls messages until `signal` aborts, never ahead of what `handle` takes. When the connection has come back, when
 * heartbeats are missed or the consumer is gone, it begins anew with `open`. What `handle` throws ends it, and so does a
 * fault of `open`; anything else that breaks is tried again.
 */
export const pull = async (
  connection: Connection,
  { open, room, handle, acknowledged, close, expires = 30_000 }: Pull,
  signal: AbortSignal,
) => {
  const { nc } = connection
  let thrown: { readonly cause: unknown } | undefined
  let left: readonly JsMsg[] = []
  const handOn = async (messages: readonly JsMsg[]) => {
    try {
      left = [...left, ...(await handle(messages))]
    } catch (cause) {
      thrown = { cause }
      left = [...left, ...messages]
      throw cause
    }
  }
  const end = (messages: ConsumerMessages) => (acknowledged && connection.up() ? drained(messages) : messages.close())
  for (let tries = 0; !signal.aborted && !nc.isClosed(); tries++) {
    const doubt = doubtIn(connection, signal)
    let consumer: Consumer | undefined
    try {
      consumer = await open()
      const { stream_name, name } = await consumer.info(true)
      const isNext = (subject: string) => subject === `$JS.API.CONSUMER.MSG.NEXT.${stream_name}.${name}`
      while (!doubt.signal.aborted) {
        const max_messages = (await room?.()) ?? batchSize
        if (doubt.signal.aborted) break
        const options = { max_messages, expires, idle_heartbeat: Math.min(5_000, expires / 2) }
        const current = consumer
        await unlessDenied(connection, `take from ${stream_name}`, isNext, async () =>
          inBatches(await current.fetch(options), handOn, doubt, end),
        )
        tries = 0
      }
    } catch (cause) {
      if (thrown) throw thrown.cause
      if (cause instanceof Fault) throw cause
      const reason = explained(cause, 'pull messages')
      if (reason instanceof Fault && reason.code === 'bus.denied') throw reason
      if (!signal.aborted && !nc.isClosed())
        await delay(Math.min(2000, 20 * 2 ** tries), undefined, { signal }).catch(() => undefined)
    } finally {
      doubt.abort()
      // Only now that nothing is asked for any more: given back earlier, it would come again to nobody.
      if (acknowledged) for (const message of left) answer(() => message.nak())
      left = []
      // While the server is away it forgets the consumer by itself.
      if (consumer && close && connection.up()) await close(consumer).catch(() => undefined)
    }
  }
}

/** Aborts with `signal`, and as soon as there is reason to doubt a consumer because the connection has come back. */
const doubtIn = ({ restored }: Connection, signal: AbortSignal): AbortController => {
  const doubt = new AbortController()
  const stop = () => doubt.abort()
  signal.addEventListener('abort', stop)
  doubt.signal.addEventListener('abort', () => signal.removeEventListener('abort', stop))
  void restored(doubt.signal).then(stop)
  if (signal.aborted) stop()
  return doubt
}

/** Collects what has arrived, and hands it on as soon as no more lies there. Missed heartbeats are a doubt as well. */
const inBatches = async (
  messages: ConsumerMessages,
  handOn: (messages: readonly JsMsg[]) => Promise<void>,
  doubt: AbortController,
  end: (messages: ConsumerMessages) => Promise<unknown>,
): Promise<void> => {
  const stop = () => void end(messages)
  doubt.signal.addEventListener('abort', stop)
  if (doubt.signal.aborted) stop()
  const listen = async () => {
    for await (const { type } of messages.status()) if (type === 'heartbeats_missed') doubt.abort()
  }
  void listen()
  let waiting: JsMsg[] = []
  try {
    for await (const message of messages) {
      waiting.push(message)
      if (messages.getPending() > 0 && waiting.length < batchSize) continue
      const taken = waiting
      waiting = []
      await handOn(taken)
    }
    if (waiting.length > 0) await handOn(waiting)
  } finally {
    doubt.signal.removeEventListener('abort', stop)
  }
}

/** How long what is on its way to a pull that ends may take, in milliseconds. */
const drainedWithin = 500

/**
 * Ends a pull only when what the server had sent by then has come: it is handed on, to be given back. A delivery that
 * comes to nobody would stay out until its lease ends, and others wait where a bound lets no more out.
 */
const drained = async (messages: ConsumerMessages): Promise<void> => {
  const { sub } = messages as { readonly sub?: Subscription } // The interface does not name it.
  await Promise.race([sub?.drain().catch(() => undefined), delay(drainedWithin)])
  await messages.close()
}

/** Says something about a message that it is no harm to lose: where the connection is closed by now, it comes again. */
export const answer = (say: () => void): void => {
  try {
    say()
  } catch (cause) {
    if (!(cause instanceof errors.ClosedConnectionError || cause instanceof errors.DrainingConnectionError)) throw cause
  }
}

/** Says that a message is done, again where the connection broke, and resolves when the server knows. */
export const acknowledge = (connection: Connection, message: JsMsg): Promise<void> =>
  reliably(connection, 'acknowledge a message', async () => {
    await connection.nc.request(receiptOf(message), '+ACK', { timeout: answeredWithin })
  })

/** The subject to which what becomes of a delivery is said. */
export const receiptOf = (message: JsMsg): string => (message as { readonly reply?: string }).reply ?? ''
