import { setTimeout as delay } from 'node:timers/promises'
import { contractOf, readEvent } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import { orAborted } from './abort.ts'
import type { Bus, WorkItem } from './bus.ts'
import { Fault } from './fault.ts'

/**
 * Puts events that are work where their agents find them, and sets a timer for those that ask to be looked at again.
 * Any number of hosts may run it: they share one name, and work put twice is there once. Where the server can't store
 * work, it is put again until it can; `waits` says why it has to be.
 */
export const dispatch = async (
  bus: Bus,
  signal: AbortSignal,
  waits: (reason: string) => void = () => undefined,
): Promise<void> => {
  const put = async (events: readonly Recorded[]): Promise<void> => {
    const items: WorkItem[] = []
    const timers: (() => Promise<void>)[] = []
    for (const recorded of events) {
      const contract = contractOf(recorded.type)
      if (!contract?.work && !contract?.delay) continue
      const reading = readEvent(recorded)
      if (!reading.kept) continue
      const data = reading.event.data as never
      for (const whose of contract.work?.(data) ?? []) items.push({ ...whose, event: recorded })
      const due = contract.delay?.(data)
      if (due !== undefined) timers.push(() => bus.setTimer(recorded.address.scope, recorded, recorded.storedAt + due))
    }
    // Neither waits for the other; both are done before the events are.
    await Promise.all([items.length > 0 && bus.put(items), ...timers.map((set) => set())])
  }
  const putAtLast = async (events: readonly Recorded[]): Promise<void> => {
    for (let tries = 0; ; tries++) {
      try {
        return await put(events)
      } catch (cause) {
        if (!(cause instanceof Fault && cause.code === 'bus.refused')) throw cause
        if (tries === 2) waits(cause.message)
        await delay(Math.min(5_000, 50 * 2 ** tries), undefined, { signal })
      }
    }
  }
  try {
    await bus.react('dispatcher', ({ events }) => orAborted(putAtLast(events), signal), signal)
  } catch (cause) {
    if (!signal.aborted) throw cause // What was not put is given back, and put at the next start.
  }
}
