import { describe, expect, test } from 'vitest'
import { fresh, happened, idsOf, type Open, record, runOf, withConnections } from './samples.ts'

/** Reading the history of aggregates, and appending to it. */
export const keepsALog = (open: Open) =>
  describe('the log', () => {
    const { connect } = withConnections(open)

    test('gives back what was recorded, with where and when', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const event = happened(undefined, { text: 'ä \n "', none: null, list: [1, 2.5, -3] })
      const before = Date.now()
      const sequence = await bus.append([{ address, expectedVersion: 0, events: [event] }])
      const { events, version } = await bus.read(address)
      expect(events).toEqual([
        { ...event, address, sequence, position: `${bus.logId}.${sequence}`, storedAt: events[0]?.storedAt },
      ])
      expect(version).toBe(sequence)
      expect(events[0]?.storedAt).toBeGreaterThanOrEqual(before - 1)
      expect(events[0]?.storedAt).toBeLessThanOrEqual(Date.now() + 1)
    })

    test('has no history, no last event and version 0 for an aggregate that nobody has written', async () => {
      const bus = await connect()
      expect(await bus.read(runOf(fresh()))).toEqual({ events: [], version: 0 })
      expect(await bus.last(runOf(fresh()))).toBeUndefined()
    })

    test('lets one of two writers win', async () => {
      const [a, b] = [await connect(), await connect()]
      const address = runOf(fresh())
      const race = [a, b].map((bus) => bus.append([{ address, expectedVersion: 0, events: [happened()] }]))
      const outcomes = await Promise.all(race)
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(1)
      expect((await a.read(address)).events).toHaveLength(1)
    })

    test('reads a history in order, and from a version on', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const events = Array.from({ length: 2500 }, () => happened())
      let version = 0
      for (const from of [0, 1, 1000, 2000]) {
        const some = events.slice(from, { 0: 1, 1: 1000, 1000: 2000, 2000: 2500 }[from])
        version = Number(await bus.append([{ address, expectedVersion: version, events: some }]))
      }
      const history = await bus.read(address)
      expect(idsOf(history.events)).toEqual(idsOf(events))
      expect(history.version).toBe(version)
      const middle = history.events[1200]?.sequence ?? 0
      expect(idsOf((await bus.read(address, middle)).events)).toEqual(idsOf(events.slice(1201)))
      expect(await bus.read(address, version)).toEqual({ events: [], version })
      expect(await bus.last(address)).toEqual(history.events.at(-1))
      expect(await bus.head()).toBeGreaterThanOrEqual(version)
    })

    test('refuses an append that expects an older version', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const [{ sequence }] = await record(bus, address, [happened()])
      await record(bus, address, [happened()])
      for (const expectedVersion of [0, sequence])
        expect(await bus.append([{ address, expectedVersion, events: [happened()] }])).toBe('conflict')
      expect((await bus.read(address)).events).toHaveLength(2)
    })

    test('appends to several aggregates all or nothing', async () => {
      const bus = await connect()
      const scope = fresh()
      const [one, two] = [runOf(scope, '1'), runOf(scope, '2')]
      const [{ sequence }] = await record(bus, two, [happened()])
      const both = (version: number) => [
        { address: one, expectedVersion: 0, events: [happened(), happened()] },
        { address: two, expectedVersion: version, events: [happened()] },
      ]
      expect(await bus.append(both(0))).toBe('conflict')
      expect((await bus.read(one)).events).toEqual([])
      const last = await bus.append(both(sequence))
      expect((await bus.read(two)).version).toBe(last)
      expect((await bus.read(one)).events.map((event) => event.sequence)).toEqual([Number(last) - 2, Number(last) - 1])
    })

    test('calls an id that is there already a conflict, alone and in a batch', async () => {
      const bus = await connect()
      const scope = fresh()
      const event = happened()
      await record(bus, runOf(scope, '1'), [event])
      const again = { address: runOf(scope, '2'), expectedVersion: 0 }
      expect(await bus.append([{ ...again, events: [event] }])).toBe('conflict')
      expect(await bus.append([{ ...again, events: [happened(), event] }])).toBe('conflict')
      expect((await bus.read(again.address)).events).toEqual([])
    })

    test('takes a batch of 1000, and refuses one of 1001', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const events = Array.from({ length: 1001 }, () => happened())
      await expect(bus.append([{ address, expectedVersion: 0, events }])).rejects.toMatchObject({ code: 'bus.refused' })
      const last = await bus.append([{ address, expectedVersion: 0, events: events.slice(1) }])
      expect(last).toBeTypeOf('number')
      expect((await bus.read(address)).events).toHaveLength(1000)
    })
  })
