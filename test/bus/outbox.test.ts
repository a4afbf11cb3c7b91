import Database from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'

const address = (key: string) => ({ aggregate: 'tracking', scope: 'root', key })
const metric = (key: string, value: number) => ({
  address: address(key),
  type: 'tracking.metric-logged',
  data: { key: 'loss', value },
})

const valuesIn = async (bus: Bus, key: string) =>
  (await bus.read(address(key))).events.map(({ data }) => (data as { value: number }).value)

test('sends facts in their order, numbered, and forgets them once they are acknowledged', async () => {
  const bus = memoryHub().connect('host')
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const stop = new AbortController()
  const sent = outbox.send(bus, stop.signal)
  for (let value = 0; value < 2500; value++) outbox.post(metric(value % 2 ? 'odd' : 'even', value))
  await outbox.flushed()
  expect(outbox.waiting()).toBe(0)
  expect(await valuesIn(bus, 'odd')).toEqual(Array.from({ length: 1250 }, (_, i) => 2 * i + 1))
  expect((await bus.read(address('odd'))).events.at(-1)?.id).toBe('tracking.root.odd-1250')
  stop.abort()
  await sent
})

test('refuses a fact that breaks its contract, with the path of the field, and anything that is no fact', () => {
  const outbox = openOutbox(new Database(':memory:'), 'host')
  expect(() => outbox.post({ ...metric('a', 1), data: { key: 'loss', value: 'low' } })).toThrow(/value: /)
  expect(() => outbox.post({ ...metric('a', 1), type: 'run.succeeded' })).toThrow(/no fact/)
  expect(outbox.waiting()).toBe(0)
})

test('a fact posted in a transaction that is rolled back was never posted', () => {
  const db = new Database(':memory:')
  const outbox = openOutbox(db, 'host')
  const undone = db.transaction(() => {
    outbox.post(metric('a', 1))
    throw new Error('undone')
  })
  expect(undone).toThrow('undone')
  expect(outbox.waiting()).toBe(0)
})

test('a log that is shorter than what it acknowledged stops the sender', async () => {
  const db = new Database(':memory:')
  const outbox = openOutbox(db, 'host')
  const stop = new AbortController()
  const sent = outbox.send(memoryHub({ logId: 'log' }).connect('host'), stop.signal)
  outbox.post(metric('a', 1))
  await outbox.flushed()
  stop.abort()
  await sent
  outbox.post(metric('a', 2))
  await expect(outbox.send(memoryHub({ logId: 'log' }).connect('host'), new AbortController().signal)).rejects.toThrow(
    /ends at 0/,
  )
})

/** What can happen to one append: it goes through, it is lost, or it is stored and its answer is lost. */
const luck = fc.constantFrom('through', 'lost', 'stored, answer lost', 'stored, said to conflict')

test('however answers are lost and however often the host is killed, every fact is stored once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ facts: fc.integer({ min: 0, max: 5 }), fates: fc.array(luck, { maxLength: 3 }) }), {
        maxLength: 6,
      }),
      async (lives) => {
        const hub = memoryHub({ logId: 'log' })
        const db = new Database(':memory:')
        let value = 0
        for (const { facts, fates } of lives) {
          const stop = new AbortController()
          const bus = unlucky(hub.connect('host'), [...fates])
          const outbox = openOutbox(db, 'host') // Each life begins with what is on disk.
          const sent = outbox.send(bus, stop.signal)
          for (let i = 0; i < facts; i++) outbox.post(metric(`k${i % 2}`, value++))
          if (fates.length % 2 === 0) await outbox.flushed()
          stop.abort() // Otherwise killed with facts on their way.
          await sent
        }
        const stop = new AbortController()
        const outbox = openOutbox(db, 'host')
        const sent = outbox.send(hub.connect('host'), stop.signal)
        await outbox.flushed()
        stop.abort()
        await sent
        const stored = [...(await valuesIn(hub.connect('r'), 'k0')), ...(await valuesIn(hub.connect('r'), 'k1'))]
        expect(stored.toSorted((a, b) => a - b)).toEqual(Array.from({ length: value }, (_, i) => i))
      },
    ),
    { numRuns: 60 },
  )
}, 60_000)

const unlucky = (bus: Bus, fates: string[]): Bus => ({
  ...bus,
  append: async (appends) => {
    const fate = fates.shift() ?? 'through'
    if (fate === 'lost') throw new Error('Timeout')
    const stored = await bus.append(appends)
    if (fate === 'stored, answer lost') throw new Error('Timeout')
    return fate === 'stored, said to conflict' ? 'conflict' : stored
  },
})
