import type { Bus } from '#bus/bus'
import { knownIn } from '#contracts/all'
import type { RunEvent } from '#contracts/run'
import { type Address, historyOf } from '#contracts/subjects'

type Planned = Extract<RunEvent, { type: 'run.planned' }>['data']

/** How many plans are remembered: a run's nodes ask for theirs one after the other. */
const remembered = 64

const plans = new WeakMap<Pick<Bus, 'read'>, Map<string, Planned>>()

/** How a run began, which never changes; undefined where its first event can't be understood. */
export const planOf = async (bus: Pick<Bus, 'read'>, address: Address): Promise<Planned | undefined> => {
  const known = plans.get(bus) ?? new Map<string, Planned>()
  plans.set(bus, known)
  const subject = historyOf(address)
  const found = known.get(subject)
  if (found) return found
  const [first] = (await bus.read(address)).events
  const event = first && knownIn<RunEvent>(first)
  if (event?.type !== 'run.planned') return undefined
  known.set(subject, event.data)
  const [oldest] = known.keys()
  if (known.size > remembered && oldest) known.delete(oldest)
  return event.data
}
