import { AckPolicy, type JsMsg, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'

/** A chain of so many steps, one behind the other; says how long each took, in milliseconds. */
export type RawChain = { readonly run: (steps: number) => Promise<number>; readonly close: () => Promise<void> }

/**
 * The least that a durable chain can do on this server: a step is said on a log, heard from there, put as work, taken,
 * said to have begun and said to have ended, each stored before it is gone on from, and acknowledged. Nothing is decided,
 * checked or executed.
 */
export const rawChain = async (url: string): Promise<RawChain> => {
  const nc = await connect({ servers: url, noAsyncTraces: true })
  const jsm = await jetstreamManager(nc)
  const js = jetstream(nc)
  const storage = StorageType.File
  await jsm.streams.add({ name: 'RAWLOG', subjects: ['rawlog.*'], storage })
  await jsm.streams.add({ name: 'RAWWORK', subjects: ['rawwork'], storage, retention: RetentionPolicy.Workqueue })
  const hear = async (stream: string, filter_subject: string, handle: (message: JsMsg) => Promise<void>) => {
    await jsm.consumers.add(stream, { durable_name: 'raw', ack_policy: AckPolicy.Explicit, filter_subject })
    const consumer = await js.consumers.get(stream, 'raw')
    return consumer.consume({ callback: (message) => void handle(message) })
  }
  let left = 0
  let ended: () => void = () => undefined
  const hearers = [
    await hear('RAWLOG', 'rawlog.scheduled', async (message) => {
      await js.publish('rawwork', message.data)
      message.ack()
    }),
    await hear('RAWWORK', 'rawwork', async (message) => {
      await js.publish('rawlog.started', message.data)
      left--
      await js.publish(left > 0 ? 'rawlog.scheduled' : 'rawlog.ended', message.data)
      message.ack()
      if (left === 0) ended()
    }),
  ]
  return {
    run: async (steps) => {
      left = steps
      const { promise, resolve } = Promise.withResolvers<void>()
      ended = resolve
      const began = performance.now()
      await js.publish('rawlog.scheduled', 'x'.repeat(400))
      await promise
      return (performance.now() - began) / steps
    },
    close: async () => {
      for (const hearer of hearers) await hearer.close()
      await nc.close()
    },
  }
}
