import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Bus } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { type Nats, startNats } from '../nats.ts'

/** Servers of one test alone, to be killed and changed at will. All that was opened is closed when the test has ended. */
export const serversOf = ({ onTestFinished }: { readonly onTestFinished: (undo: () => Promise<void>) => void }) => {
  const undo: (() => unknown)[] = []
  onTestFinished(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })
  return {
    /** Does this when the test has ended, before what was opened earlier is closed. */
    later: (step: () => unknown) => void undo.push(step),
    start: async (config?: string): Promise<Nats> => {
      const nats = await startNats(config)
      undo.push(nats.stop)
      return nats
    },
    open: async ({ url }: Pick<Nats, 'url'>, principal = 'test'): Promise<Bus> => {
      const bus = await openBus({ url, principal })
      undo.push(bus.close)
      return bus
    },
    /** A connection that is no bus's, to look and interfere. */
    administer: async ({ url }: Nats) => {
      const nc = await connect({ servers: url })
      undo.push(() => nc.close())
      return { nc, jsm: await jetstreamManager(nc) }
    },
    /** Aborts when the test has ended. */
    ending: (): AbortSignal => {
      const stop = new AbortController()
      undo.push(() => stop.abort())
      return stop.signal
    },
  }
}
