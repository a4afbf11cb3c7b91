import { measured } from '#contracts/tracking'
import type { Call } from './handles-for.ts'
import type { MetadataHandle } from './handles-metadata.ts'

/** How many numbers may be on their way before whoever logs waits for those that went first. */
const mostUnderWay = 10_000

/** How many numbers travel together: the host must have time for others in between. */
const together = 1_000

/**
 * Logs numbers. They travel together, those of one turn of the thread through one node in one message, and whoever logs one
 * need not wait until it has arrived: `track` is told of what is under way, for the execution does not end before that, and
 * fails where it breaks.
 */
export const metricsOf = (call: Call, track: (doing: Promise<unknown>) => void) => {
  let waiting = new Map<string, object[]>()
  let underWay = 0
  let sent: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  const send = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    const some = waiting
    waiting = new Map()
    sent = undefined
    for (const [node, all] of some)
      for (let at = 0; at < all.length; at += together) {
        const metrics = all.slice(at, at + together)
        await call(node, 'metrics-logged', { metrics })
        underWay -= metrics.length
      }
  }
  const logTo =
    (node: string): MetadataHandle['logMetric'] =>
    (key, value, { step } = {}) => {
      if (typeof value !== 'number')
        return Promise.reject(new TypeError(`${key}: a metric is a number, not ${typeof value}`))
      const metric = { key, value: measured(value), ...(step !== undefined && { step }) }
      const others = waiting.get(node)
      if (others) others.push(metric)
      else waiting.set(node, [metric])
      underWay++
      if (!sent) {
        sent = send()
        last = Promise.all([last, sent]).then(() => undefined)
        last.catch(() => undefined) // Whoever asks for it is told; and whoever counts what is under way.
        track(sent)
      }
      return underWay < mostUnderWay ? Promise.resolve() : sent
    }
  return {
    logTo,
    /** Resolves once everything that has been logged so far has arrived. */
    arrived: (): Promise<void> => last,
  }
}
