import type { Bus } from '#bus/bus'
import type { Recorded } from '#contracts/envelope'

/** Every event of the log as it is now, in order. */
export const eventsOf = async (bus: Bus): Promise<Recorded[]> => {
  const events: Recorded[] = []
  const [head, done] = [await bus.head(), new AbortController()]
  if (head === 0) return events
  await bus.follow(
    { logId: bus.logId, sequence: 0 },
    (batch) => {
      events.push(...batch.events)
      if (batch.upTo >= head) done.abort()
    },
    done.signal,
  )
  return events
}
