import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { aborted } from '#bus/abort'
import type { Bus, Dead, Work } from '#bus/bus'
import type { Recorded } from '#contracts/envelope'
import { fresh, happened, idsOf, type Open, record, runOf, until, withConnections } from './samples.ts'

/** Putting and taking work, giving up on it, and timers. */
export const handsOutWork = (open: Open) =>
  describe('work', () => {
    const { connect, run } = withConnections(open)

    const worker = (bus: Bus, where: string, handle: (work: Work) => Promise<void>, concurrency = 10) =>
      run((signal) => bus.take(where, 'agent', handle, { concurrency, signal }))

    const eventsFor = (bus: Bus, count: number) =>
      record(
        bus,
        runOf(fresh()),
        Array.from({ length: count }, () => happened()),
      )

    test('is delivered once though it was put twice, and not again once it is done', async () => {
      const bus = await connect()
      const where = fresh()
      const [one, two] = await eventsFor(bus, 2)
      if (!two) throw new Error('Two events were recorded')
      await bus.put([{ where, agent: 'agent', event: one }])
      await bus.put([one, two].map((event) => ({ where, agent: 'agent', event })))
      await bus.put([{ where, agent: 'another', event: one }])
      const got: Work[] = []
      const first = worker(bus, where, async (work) => {
        got.push(work)
        await work.done()
      })
      await until(() => expect(got.map(({ event }) => event)).toEqual([one, two]))
      expect(got.map(({ delivery }) => delivery)).toEqual([1, 1])
      await first.stop()
      worker(bus, where, async (work) => void got.push(work))
      const [three] = await eventsFor(bus, 1)
      await bus.put([{ where, agent: 'agent', event: three }])
      await until(() => expect(got.map(({ event }) => event)).toEqual([one, two, three]))
    })

    test('is delivered again when it is put again after it was done', async () => {
      const bus = await connect()
      const where = fresh()
      const [event] = await eventsFor(bus, 1)
      let times = 0
      worker(bus, where, async (work) => {
        await work.done()
        times++
      })
      for (const expected of [1, 2]) {
        await bus.put([{ where, agent: 'agent', event }])
        await until(() => expect(times).toBe(expected))
      }
    })

    test.each([1, 3])('goes to %i at once over all who take it, however many take it', async (concurrency) => {
      const [one, two] = [await connect(), await connect()]
      const where = fresh()
      const events = await eventsFor(one, 12)
      await one.put(events.map((event) => ({ where, agent: 'agent', event })))
      let [busy, most, done] = [0, 0, 0]
      const handle = async (work: Work) => {
        busy++
        most = Math.max(most, busy)
        await new Promise((resolve) => setTimeout(resolve, 5)) // What is done takes its time.
        busy--
        await work.done()
        done++
      }
      for (const bus of [one, two]) worker(bus, where, handle, concurrency)
      await until(() => expect(done).toBe(12))
      expect(most).toBe(concurrency)
    })

    test.each([1, 4])('goes on without delay, %i at once, whoever of two who take it ends', async (concurrency) => {
      const [one, two] = [await connect(), await connect()]
      for (let turn = 0; turn < 20; turn++) {
        const where = fresh()
        const events = await eventsFor(one, 12)
        let done = 0
        // The first ends as soon as one is done, when the next is on its way: what came to nobody would stay out.
        const first = worker(
          one,
          where,
          async (work) => {
            await work.done()
            done++
            setTimeout(first.stop, turn % 5)
          },
          concurrency,
        )
        await one.put(events.map((event) => ({ where, agent: 'agent', event })))
        await until(() => expect(done).toBeGreaterThan(0))
        const count = async (work: Work) => {
          await work.done()
          done++
        }
        const second = worker(two, where, count, concurrency)
        await until(() => expect(done).toBe(12))
        await second.stop()
      }
    })

    test('takes a new bound from whoever takes it next', async () => {
      const bus = await connect()
      const where = fresh()
      const [event] = await eventsFor(bus, 1)
      await bus.put([{ where, agent: 'agent', event }])
      let got = 0
      const take = async (work: Work) => {
        got++
        await work.done()
      }
      const before = worker(bus, where, take, 1)
      await until(() => expect(got).toBe(1))
      await before.stop()
      const { promise: over, resolve: end } = Promise.withResolvers<void>()
      const events = await eventsFor(bus, 3)
      await bus.put(events.map((one) => ({ where, agent: 'agent', event: one })))
      worker(
        bus,
        where,
        async (work) => {
          got++
          await over
          await work.done()
        },
        3,
      )
      await until(() => expect(got).toBe(4))
      end()
    })

    test('comes again with a higher count when it is postponed', async () => {
      const bus = await connect()
      const where = fresh()
      const [event] = await eventsFor(bus, 1)
      await bus.put([{ where, agent: 'agent', event }])
      const deliveries: { readonly delivery: number; readonly at: number }[] = []
      worker(bus, where, async (work) => {
        deliveries.push({ delivery: work.delivery, at: performance.now() })
        if (work.delivery < 3) work.postpone(300)
        else await work.done()
      })
      await until(() => expect(deliveries.map(({ delivery }) => delivery)).toEqual([1, 2, 3]))
      const [first, second] = deliveries
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(250)
    })

    test.each([
      1, 3,
    ])('tells whether somebody else waits for such work, of which there may be %i', async (concurrency) => {
      const [holder, other] = [await connect(), await connect()]
      const where = fresh()
      const [event] = await eventsFor(holder, 1)
      await holder.put([{ where, agent: 'agent', event }])
      const got: Work[] = []
      const keep = async (work: Work) => {
        got.push(work)
        await aborted(stopped.signal)
      }
      const stopped = new AbortController()
      onTestFinished(() => stopped.abort())
      worker(holder, where, keep, concurrency)
      await until(() => expect(got).toHaveLength(1))
      expect(await got[0]?.wanted()).toBe(false)
      const second = worker(other, where, async (work) => void got.push(work), concurrency)
      await expect.poll(() => got[0]?.wanted()).toBe(true)
      await second.stop()
      await expect.poll(() => got[0]?.wanted()).toBe(false)
      worker(other, where, async (work) => void got.push(work), concurrency)
      await expect.poll(() => got[0]?.wanted()).toBe(true)
      got[0]?.postpone(0)
      stopped.abort()
      await until(() => expect(got.map(({ delivery }) => delivery)).toEqual([1, 2]))
    })

    test('comes again at once when its delivery is released, from any process', async () => {
      const [taker, other] = [await connect(), await connect()]
      const where = fresh()
      const [event] = await eventsFor(taker, 1)
      await taker.put([{ where, agent: 'agent', event }])
      const got: Work[] = []
      worker(taker, where, async (work) => void got.push(work))
      await until(() => expect(got).toHaveLength(1))
      const before = performance.now()
      other.release(got[0]?.receipt ?? '')
      await until(() => expect(got.map(({ delivery }) => delivery)).toEqual([1, 2]))
      expect(performance.now() - before).toBeLessThan(2000)
    })

    test('is shared by workers, none of whom has more than its concurrency', async () => {
      const [a, b] = [await connect(), await connect()]
      const where = fresh()
      const events = await eventsFor(a, 40)
      const done: Recorded[] = []
      const most = [0, 0]
      ;[a, b].map((bus, at) => {
        let underWay = 0
        return worker(
          bus,
          where,
          async (work) => {
            most[at] = Math.max(most[at] ?? 0, ++underWay)
            await delay(10)
            await work.done()
            done.push(work.event)
            underWay--
          },
          3,
        )
      })
      await a.put(events.map((event) => ({ where, agent: 'agent', event })))
      await until(() => expect(done).toHaveLength(40))
      expect(idsOf(done).toSorted()).toEqual(idsOf(events).toSorted())
      expect(most).toEqual([3, 3])
    })

    test('that is being handled is waited for when its worker stops', async () => {
      const bus = await connect()
      const where = fresh()
      const [event] = await eventsFor(bus, 1)
      await bus.put([{ where, agent: 'agent', event }])
      const { promise: held, resolve: finish } = Promise.withResolvers<void>()
      let handling = false
      const taker = worker(bus, where, async (work) => {
        handling = true
        await held
        await work.working()
        await work.done()
        handling = false
      })
      await until(() => expect(handling).toBe(true))
      const stopped = taker.stop()
      expect(await Promise.race([stopped, delay(50, 'still waiting')])).toBe('still waiting')
      finish()
      await stopped
      expect(handling).toBe(false)
    })

    test('of 2500 pieces arrives whole, though one of them lay there already', async () => {
      const bus = await connect()
      const where = fresh()
      const events: Recorded[] = []
      for (let n = 0; n < 5; n++) events.push(...(await eventsFor(bus, 500)))
      await bus.put(events.slice(2100, 2101).map((event) => ({ where, agent: 'agent', event })))
      await bus.put(events.map((event) => ({ where, agent: 'agent', event })))
      const done = new Set<string>()
      worker(
        bus,
        where,
        async (work) => {
          await work.done()
          done.add(work.event.id)
        },
        200,
      )
      await until(() => expect(done.size).toBe(2500))
    })

    test('that was given up on is kept with the reason, once', async () => {
      const bus = await connect()
      const where = fresh()
      const letter = (eventId: string, attempts: number): Dead => ({
        where,
        agent: 'agent',
        eventId,
        stream: 'WORK',
        sequence: 7,
        attempts,
        reason: 'it broke every time',
      })
      await bus.bury(letter('a.b-1', 3))
      await bus.bury(letter('a.b-2', 3))
      await bus.bury(letter('a.b-1', 4))
      const found = (await bus.dead()).filter((dead) => dead.where === where)
      expect(found).toEqual([letter('a.b-2', 3), letter('a.b-1', 4)])
    })

    test('that was given up on is forgotten on request, unless it was given up on again since', async () => {
      const bus = await connect()
      const where = fresh()
      const letter = (eventId: string, attempts: number): Dead => {
        const about = { where, agent: 'agent', eventId, stream: 'EVENTS', sequence: 7 }
        return { ...about, attempts, reason: 'it broke every time' }
      }
      const left = async () => (await bus.dead()).filter((dead) => dead.where === where)
      for (const one of [letter('a', 1), letter('b', 1)]) await bus.bury(one)
      await bus.unbury(letter('a', 1))
      expect(await left()).toEqual([letter('b', 1)])
      await Promise.all([bus.unbury(letter('a', 1)), bus.unbury(letter('never', 1))])
      await bus.bury(letter('b', 2))
      await bus.unbury(letter('b', 1))
      expect(await left()).toEqual([letter('b', 2)])
      await Promise.all([bus.unbury(letter('b', 2)), bus.unbury(letter('b', 2))])
      expect(await left()).toEqual([])
    })
  })
