import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Batch, Cursor } from '#bus/bus'
import type { Recorded } from '#contracts/envelope'
import { historiesOf } from '#contracts/subjects'
import { fresh, happened, idsOf, type Open, record, runOf, until, withConnections } from './samples.ts'

/** Following the log from a position, and reacting to it under a name. */
export const followsTheLog = (open: Open) =>
  describe('followers', () => {
    const { connect, run } = withConnections(open)

    test('get events after their cursor in order, those to come included', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const [first, ...rest] = await record(bus, address, [happened(), happened(), happened()])
      const got: Recorded[] = []
      run((signal) =>
        bus.follow({ logId: bus.logId, sequence: first.sequence }, ({ events }) => got.push(...events), signal),
      )
      await until(() => expect(got).toEqual(rest))
      const later = await record(bus, address, [happened()])
      await until(() => expect(got).toEqual([...rest, ...later]))
    })

    test('get batches no faster than they handle them, and never two at once', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const { logId } = bus
      const sequence = await bus.head()
      const batches: Batch[] = []
      let handling = 0
      run((signal) =>
        bus.follow(
          { logId, sequence },
          async (batch) => {
            expect(++handling).toBe(1)
            await delay(10)
            batches.push(batch)
            handling--
          },
          signal,
        ),
      )
      const events = Array.from({ length: 2100 }, () => happened())
      for (const from of [0, 700, 1400]) await record(bus, address, events.slice(from, from + 700))
      await until(() => expect(batches.at(-1)?.upTo).toBe(sequence + 2100))
      const got = batches.flatMap((batch) => batch.events)
      expect(idsOf(got)).toEqual(idsOf(events))
      expect(Math.max(...batches.map((batch) => batch.events.length))).toBeLessThanOrEqual(1000)
      expect(batches.length).toBeLessThan(100)
      expect(batches.at(-1)).toMatchObject({ dropped: 0, pending: 0 })
      for (const batch of batches) expect(batch.upTo).toBe(batch.events.at(-1)?.sequence)
    })

    test('get no more once they are stopped', async () => {
      const bus = await connect()
      const address = runOf(fresh())
      const got: Recorded[] = []
      const sequence = await bus.head()
      const follower = run((signal) =>
        bus.follow({ logId: bus.logId, sequence }, ({ events }) => got.push(...events), signal),
      )
      await record(bus, address, [happened()])
      await until(() => expect(got).toHaveLength(1))
      await follower.stop()
      await record(bus, address, [happened()])
      expect(got).toHaveLength(1)
      const never = bus.follow({ logId: bus.logId, sequence }, ({ events }) => got.push(...events), AbortSignal.abort())
      await never
      expect(got).toHaveLength(1)
    })

    test('get only what they ask for', async () => {
      const bus = await connect()
      const scope = fresh()
      const sequence = await bus.head()
      const [wanted] = await record(bus, runOf(scope, '1'), [happened()])
      await record(bus, runOf(scope, '2'), [happened()])
      const [other] = await record(bus, { aggregate: 'pipeline', scope, key: 'self' }, [happened()])
      const got: Recorded[] = []
      const only = [historiesOf({ aggregate: 'run', key: '1' }), historiesOf({ aggregate: 'pipeline' })]
      run((signal) => bus.follow({ logId: bus.logId, sequence }, ({ events }) => got.push(...events), signal, only))
      await until(() => expect(got).toEqual([wanted, other]))
    })

    test('end with what their handler throws', async () => {
      const bus = await connect()
      await record(bus, runOf(fresh()), [happened()])
      const handle = () => Promise.reject(new Error('no room'))
      const { ended } = run((signal) => bus.follow({ logId: bus.logId, sequence: 0 }, handle, signal))
      await expect(ended).rejects.toThrow('no room')
    })

    test('are refused where the log is another, shorter or changed', async () => {
      const bus = await connect()
      const [event] = await record(bus, runOf(fresh()), [happened()])
      const { logId } = bus
      const { id, sequence } = event
      const follow = (cursor: Cursor) => run((signal) => bus.follow(cursor, () => undefined, signal)).ended
      await expect(follow({ logId: 'another', sequence })).rejects.toMatchObject({ code: 'log.other' })
      await expect(follow({ logId, sequence: sequence + 9 })).rejects.toMatchObject({ code: 'log.shorter' })
      const elsewhere = { logId, sequence, lastId: 'another', lastSequence: sequence }
      await expect(follow(elsewhere)).rejects.toMatchObject({ code: 'log.changed' })
      const got: Recorded[] = []
      const right = { logId, sequence, lastId: id, lastSequence: sequence }
      run((signal) => bus.follow(right, ({ events }) => got.push(...events), signal))
      const later = await record(bus, runOf(fresh()), [happened()])
      await until(() => expect(got).toEqual(later))
    })

    test('share events where they react under one name', async () => {
      const [a, b] = [await connect(), await connect()]
      const [name, scope] = [fresh(), fresh()]
      const counts = new Map<string, number>()
      const count = async ({ events }: Batch) => {
        for (const { id, address } of events) if (address.scope === scope) counts.set(id, (counts.get(id) ?? 0) + 1)
      }
      await record(a, runOf(scope, '1'), [happened(), happened()])
      for (const bus of [a, b]) run((signal) => bus.react(name, count, signal))
      for (let n = 2; n < 12; n++) await record(a, runOf(scope, String(n)), [happened()])
      await until(() => expect(counts.size).toBe(12))
      expect([...counts.values()].every((times) => times === 1)).toBe(true)
    })

    test('react again to what they could not handle', async () => {
      const bus = await connect()
      const name = fresh()
      const [event] = await record(bus, runOf(fresh()), [happened()])
      const first = run((signal) => bus.react(name, () => Promise.reject(new Error('no room')), signal))
      await expect(first.ended).rejects.toThrow('no room')
      const got: string[] = []
      run((signal) => bus.react(name, async ({ events }) => void got.push(...idsOf(events)), signal))
      await until(() => expect(got).toContain(event.id))
    })

    test('go on reacting where the last of their name stopped', async () => {
      const bus = await connect()
      const name = fresh()
      const [before] = await record(bus, runOf(fresh()), [happened()])
      const first: string[] = []
      const reactor = run((signal) => bus.react(name, async ({ events }) => void first.push(...idsOf(events)), signal))
      await until(() => expect(first).toContain(before.id))
      await reactor.stop()
      const [after] = await record(bus, runOf(fresh()), [happened()])
      const second: string[] = []
      run((signal) => bus.react(name, async ({ events }) => void second.push(...idsOf(events)), signal))
      await until(() => expect(second).toContain(after.id))
      expect(second).not.toContain(before.id)
    })
  })
