import { describe, expect, test } from 'vitest'
import type { Recorded } from '#contracts/envelope'
import { fresh, happened, type Open, record, runOf, until, withConnections } from './samples.ts'

/** Delays that outlive their setter. */
export const keepsTimers = (open: Open) =>
  describe('timers', () => {
    const { connect, run } = withConnections(open)

    test('fire at or after their time, with their event, though they were set twice', async () => {
      const bus = await connect()
      const where = fresh()
      const [event, past] = await record(bus, runOf(fresh()), [happened(), happened()])
      if (!past) throw new Error('Two events were recorded')
      const fired: { readonly event: Recorded; readonly at: number }[] = []
      run((signal) => bus.timers(where, async (of) => void fired.push({ event: of, at: Date.now() }), signal))
      const at = Date.now() + 600
      await bus.setTimer(where, event, at)
      await bus.setTimer(where, event, at)
      await bus.setTimer(where, past, Date.now() - 1000)
      await until(() => expect(fired.map((timer) => timer.event)).toEqual([past, event]))
      expect(fired[1]?.at).toBeGreaterThanOrEqual(at)
      expect(fired[1]?.at).toBeLessThan(at + 2000)
    })

    test('wait for somebody who handles them, and come again where that failed', async () => {
      const bus = await connect()
      const where = fresh()
      const [event] = await record(bus, runOf(fresh()), [happened()])
      await bus.setTimer(where, event, Date.now() + 50)
      const { ended } = run((signal) => bus.timers(where, () => Promise.reject(new Error('not now')), signal))
      await expect(ended).rejects.toThrow('not now')
      const fired: Recorded[] = []
      run((signal) => bus.timers(where, async (of) => void fired.push(of), signal))
      await until(() => expect(fired).toEqual([event]))
    })
  })
