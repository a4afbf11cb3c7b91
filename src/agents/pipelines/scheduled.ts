import type { Recorded } from '#contracts/envelope'
import type { RunEvent, ScheduledNode } from '#contracts/run'

/** What an event says of one node that is to be executed because of it. */
export type Scheduled = Recorded<string, ScheduledNode>

/** An event that keeps its contract, as what it says of one node; undefined where that is not to be executed because of it. */
export const scheduledIn = (event: Recorded, part: string): Scheduled | undefined => {
  const { type, data } = event as Recorded & RunEvent
  const all = type === 'run.node-scheduled' ? [data] : type === 'run.node-succeeded' ? data.next : []
  const found = all.find((one) => one.part === part)
  return found && { ...event, data: found }
}
