import { contractOf, readEvent } from '#contracts/all'
import type { Bus, WorkItem } from './bus.ts'

/**
 * Puts events that are work where their agents find them, and sets a timer for those that ask to be looked at again.
 * Any number of hosts may run it: they share one name, and work put twice is there once.
 */
export const dispatch = (bus: Bus, signal: AbortSignal): Promise<void> =>
  bus.react(
    'dispatcher',
    async ({ events }) => {
      const items: WorkItem[] = []
      for (const recorded of events) {
        const contract = contractOf(recorded.type)
        if (!contract?.work && !contract?.delay) continue
        const reading = readEvent(recorded)
        if (!reading.kept) continue
        const data = reading.event.data as never
        if (contract.work) items.push({ ...contract.work(data), event: recorded })
        if (contract.delay) {
          const { where } = contract.work?.(data) ?? { where: recorded.address.scope }
          await bus.setTimer(where, recorded, recorded.storedAt + contract.delay(data))
        }
      }
      if (items.length > 0) await bus.put(items)
    },
    signal,
  )
