import { createHash, randomUUID } from 'node:crypto'
import { afterEach, vi } from 'vitest'
import type { Bus } from '#bus/bus'
import type { Numbered, Recorded } from '#contracts/envelope'
import type { Address } from '#contracts/subjects'

/** Opens one connection to the bus that a suite tests. */
export type Open = (principal?: string) => Promise<Bus>

/** A name that no other test uses, so that one server serves them all. */
export const fresh = (): string => randomUUID().slice(0, 13)

export const runOf = (scope: string, key = '1'): Address => ({ aggregate: 'run', scope, key })

/** An event that says nothing in particular. */
export const happened = (id: string = fresh(), data: unknown = { part: 'a/b', attempt: 1 }): Numbered => ({
  id,
  type: 'run.node-scheduled',
  version: 1,
  source: 'run.test',
  time: '2026-01-02T03:04:05.678Z',
  correlationId: `${id}-story`,
  causationId: `${id}-cause`,
  principal: 'ann',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data,
})

/** Appends events to one aggregate that has none yet, and gives them back as they were recorded. */
export const record = async (
  bus: Bus,
  address: Address,
  events: readonly Numbered[],
): Promise<readonly [Recorded, ...Recorded[]]> => {
  const { version } = await bus.read(address)
  await bus.append([{ address, expectedVersion: version, events }])
  const [first, ...rest] = (await bus.read(address, version)).events
  if (!first) throw new Error('Nothing was recorded')
  return [first, ...rest]
}

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id)

/** Waits until a claim holds. */
export const until = (claim: () => unknown, timeout = 20_000) => vi.waitFor(claim, { timeout, interval: 5 })

/** Opens connections and stops what runs on them, behind each test. */
export const withConnections = (open: Open) => {
  const buses: Bus[] = []
  const running: { readonly stop: AbortController; readonly ended: Promise<unknown> }[] = []
  afterEach(async () => {
    for (const { stop } of running) stop.abort()
    await Promise.allSettled(running.splice(0).map(({ ended }) => ended))
    await Promise.all(buses.splice(0).map((bus) => bus.close()))
  })
  return {
    connect: async (principal?: string): Promise<Bus> => {
      const bus = await open(principal)
      buses.push(bus)
      return bus
    },
    /** Starts something that goes on until it is stopped, at the latest at the end of the test. */
    run: <Result>(begin: (signal: AbortSignal) => Promise<Result>) => {
      const stop = new AbortController()
      const ended = begin(stop.signal)
      ended.catch(() => undefined)
      running.push({ stop, ended })
      return {
        ended,
        stop: () => {
          stop.abort()
          return ended
        },
      }
    },
  }
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes as a stream of uneven pieces. */
export const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  streamFrom(
    (async function* () {
      for (let from = 0, size = 1; from < bytes.length; from += size, size = (size * 7) % 99_991)
        yield bytes.subarray(from, from + size)
    })(),
  )

export const streamFrom = (pieces: AsyncIterator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
