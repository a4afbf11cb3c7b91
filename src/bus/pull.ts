import { setTimeout as delay } from 'node:timers/promises'
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { Fault } from './fault.ts'

/** As many messages at once as a handler gets; no more are read ahead than these. */
export const batchSize = 1000

type Pull = {
  /** Opens the consumer: called at the start, and again after every doubt. */
  readonly open: () => Promise<Consumer>
  /** How many messages may come next; waits while there is no room. */
  readonly room?: () => Promise<number>
  /** Gets what has arrived, as soon as no more lies there. */
  readonly handle: (messages: readonly JsMsg[]) => Promise<void>
  readonly close?: (consumer: Consumer) => Promise<unknown>
}

/**
 * Pulls messages until `signal` aborts, never ahead of what `handle` takes. When the connection has come back, when
 * heartbeats are missed or the consumer is gone, it begins anew with `open`. What `handle` throws ends it, and so does a
 * fault of `open`; anything else that breaks is tried again.
 */
export const pull = async (nc: NatsConnection, { open, room, handle, close }: Pull, signal: AbortSignal) => {
  const doubts = watchConnection(nc)
  let thrown: { readonly cause: unknown } | undefined
  const handOn = async (messages: readonly JsMsg[]) => {
    try {
      if (!signal.aborted) await handle(messages)
    } catch (cause) {
      thrown = { cause }
      throw cause
    }
  }
  for (let tries = 0; !signal.aborted && !nc.isClosed(); tries++) {
    let consumer: Consumer | undefined
    try {
      consumer = await open()
      doubts.clear()
      while (!signal.aborted && !doubts.any()) {
        const messages = await consumer.fetch({
          max_messages: (await room?.()) ?? batchSize,
          expires: 30_000,
          idle_heartbeat: 5_000,
        })
        await inBatches(messages, handOn, doubts.stopping(messages), signal)
        tries = 0
      }
    } catch (cause) {
      if (thrown) throw thrown.cause
      if (cause instanceof Fault) throw cause
      if (!signal.aborted && !nc.isClosed())
        await delay(Math.min(2000, 20 * 2 ** tries), undefined, { signal }).catch(() => undefined)
    } finally {
      if (consumer && close && !nc.isClosed()) await close(consumer).catch(() => undefined)
      if (signal.aborted || nc.isClosed() || thrown) doubts.end()
    }
  }
}

/** Collects what has arrived, and hands it on as soon as no more lies there. */
const inBatches = async (
  messages: ConsumerMessages,
  handOn: (messages: readonly JsMsg[]) => Promise<void>,
  stop: () => void,
  signal: AbortSignal,
): Promise<void> => {
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
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
    signal.removeEventListener('abort', stop)
  }
}

/** Notes when there is reason to doubt a consumer, and stops the messages that are being awaited then. */
const watchConnection = (nc: NatsConnection) => {
  let doubtful = false
  let stop: () => void = () => undefined
  const doubt = () => {
    doubtful = true
    stop()
  }
  const status = nc.status()
  const listen = async () => {
    for await (const { type } of status) if (type === 'reconnect') doubt()
  }
  void listen()
  return {
    any: () => doubtful,
    clear: () => {
      doubtful = false
    },
    /** Says how to stop these messages, and stops them at the next doubt. */
    stopping: (messages: ConsumerMessages): (() => void) => {
      stop = () => void messages.close()
      if (doubtful) stop()
      const listenTo = async () => {
        for await (const { type } of messages.status()) if (type === 'heartbeats_missed') doubt()
      }
      void listenTo()
      return stop
    },
    end: () => (status as { readonly stop?: () => void }).stop?.(),
  }
}
