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

/** One life of a host: posts these values, and ends when the log has them. */
const life = async (bus: Bus, db: Database.Database, values: readonly number[], principal = 'host') => {
  const stop = new AbortController()
  const outbox = openOutbox(db, principal)
  for (const value of values) outbox.post(metric('a', value))
  const sent = outbox.send(bus, stop.signal)
  await outbox.flushed()
  stop.abort()
  await sent
}

test('a server that refuses facts where they belong is not asked without end', async () => {
  const bus = memoryHub().connect('host')
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const stop = new AbortController()
  const until = performance.now() + 200
  let asked = 0
  const append: Bus['append'] = async (appends) => {
    asked++
    return performance.now() < until ? 'conflict' : bus.append(appends)
  }
  const sent = outbox.send({ ...bus, append }, stop.signal)
  outbox.post(metric('a', 1))
  await outbox.flushed()
  expect(asked).toBeLessThan(10)
  expect(await valuesIn(bus, 'a')).toEqual([1])
  stop.abort()
  await sent
})

test('a host whose memory was lost numbers its facts behind those that lie there', async () => {
  const bus = memoryHub().connect('host')
  await life(bus, new Database(':memory:'), [1, 2, 3])
  await life(bus, new Database(':memory:'), [4, 5, 6, 7])
  expect(await valuesIn(bus, 'a')).toEqual([1, 2, 3, 4, 5, 6, 7])
  const { events } = await bus.read(address('a'))
  expect(events.map(({ id }) => id)).toEqual(events.map((_, at) => `tracking.root.a-${at + 1}`))
  expect(events.every(({ id, causationId, correlationId }) => causationId === id && correlationId === id)).toBe(true)
})

test('two hosts that write to one subject lose and double nothing', async () => {
  const hub = memoryHub()
  const dbs = { one: new Database(':memory:'), two: new Database(':memory:') }
  for (let round = 0; round < 5; round++)
    await Promise.all(
      (['one', 'two'] as const).map((name, at) =>
        life(hub.connect(name), dbs[name], [100 * at + 10 * round, 100 * at + 10 * round + 1], name),
      ),
    )
  const values = (await valuesIn(hub.connect('r'), 'a')).toSorted((a, b) => a - b)
  expect(values).toEqual([0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 100, 101, 110, 111, 120, 121, 130, 131, 140, 141])
})

test("a script's event on the subject is passed over, whatever its id ends in", async () => {
  const bus = memoryHub().connect('host')
  const db = new Database(':memory:')
  await life(bus, db, [1])
  const event = {
    ...{ id: '0190a000-0000-7000-8000-000000000099', version: 1, source: 'script', time: '', principal: 'script' },
    ...{ type: 'tracking.metric-logged', correlationId: 'x', causationId: 'x', data: { key: 'loss', value: 2 } },
  }
  await bus.append([{ address: address('a'), expectedVersion: 'any', events: [event] }])
  await life(bus, db, [3])
  expect(await valuesIn(bus, 'a')).toEqual([1, 2, 3])
  expect((await bus.read(address('a'))).events.at(-1)?.id).toBe('tracking.root.a-2')
})

test('a fact that no message could hold is refused, and says what to do', () => {
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const large = { ...metric('a', 1), type: 'tracking.param-logged', data: { key: 'x', value: 'x'.repeat(300_000) } }
  expect(() => outbox.post(large)).toThrow(
    /tracking.param-logged holds 3000\d\d characters.*save what is large in a store/,
  )
})

test('a cause that no header can hold is refused: it would hold up all that are behind it', () => {
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const poisoned = { ...metric('a', 1), causedBy: { id: 'x\r\ny', correlationId: 'x' } }
  expect(() => outbox.post(poisoned)).toThrow(/an id is not one/)
  expect(outbox.waiting()).toBe(0)
})

test('what is flushed is what had been posted, however much is posted meanwhile', async () => {
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const bus = memoryHub().connect('host')
  const stop = new AbortController()
  let value = 0
  // With every batch that is sent, another fact arrives: the outbox is never empty.
  const busy: Bus = {
    ...bus,
    append: (appends) => bus.append(appends).finally(() => outbox.post(metric('a', value++))),
  }
  outbox.post(metric('a', value++))
  const sent = outbox.send(busy, stop.signal)
  await outbox.flushed()
  expect(outbox.waiting()).toBeGreaterThan(0)
  stop.abort()
  await sent
})

test('whoever waits for a flush is told when that is not waited for any longer', async () => {
  const outbox = openOutbox(new Database(':memory:'), 'host')
  const away: Bus = { ...memoryHub().connect('host'), append: () => new Promise(() => undefined) }
  const [stop, given] = [new AbortController(), new AbortController()]
  outbox.post(metric('a', 1))
  const waiting = outbox.flushed(given.signal)
  given.abort(new Error('stopping'))
  await expect(waiting).rejects.toThrow('stopping')
  void outbox.send({ ...away, append: () => Promise.reject(new Error('away')) }, stop.signal)
  const later = outbox.flushed()
  stop.abort(new Error('ended'))
  await expect(later).rejects.toThrow('ended')
  await expect(outbox.flushed()).rejects.toThrow('ended')
})

test('sending costs the same whether few or many wait', async () => {
  const sending = async (count: number): Promise<number> => {
    const db = new Database(':memory:')
    const outbox = openOutbox(db, 'host')
    db.transaction(() => {
      for (let value = 0; value < count; value++) outbox.post(metric('a', value))
    })()
    let last = 0
    const bus: Bus = {
      ...memoryHub().connect('host'),
      append: async ([append]) => (last += append?.events.length ?? 0),
    }
    const stop = new AbortController()
    const began = performance.now()
    const sent = outbox.send(bus, stop.signal)
    await outbox.flushed()
    const took = performance.now() - began
    stop.abort()
    await sent
    return took / count
  }
  await sending(5_000)
  const [few, many] = [await sending(5_000), await sending(80_000)]
  expect(many).toBeLessThan(4 * few)
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
