import { artifactEvents } from './artifact.ts'
import type { EventContract } from './contract.ts'
import { endNodeCommands, endNodeEvents } from './end-node.ts'
import type { Recorded } from './envelope.ts'
import { experimentEvents } from './experiment.ts'
import { experimentCommands } from './experiment-commands.ts'
import { hostEvents } from './host.ts'
import { notificationEvents, personCommands, personEvents } from './notification.ts'
import { pipelineCommands, pipelineEvents } from './pipeline.ts'
import { portalCommands, portalEvents } from './portal.ts'
import { problemsOf } from './problems.ts'
import { runCommands, runEvents } from './run.ts'
import { trackingEvents } from './tracking.ts'

/** Every event there is, by type. */
export const events = {
  ...pipelineEvents,
  ...runEvents,
  ...artifactEvents,
  ...trackingEvents,
  ...hostEvents,
  ...experimentEvents,
  ...endNodeEvents,
  ...portalEvents,
  ...personEvents,
  ...notificationEvents,
} as const

/** Every command there is, by type. */
export const commands = {
  ...pipelineCommands,
  ...runCommands,
  ...experimentCommands,
  ...endNodeCommands,
  ...portalCommands,
  ...personCommands,
} as const

const byType: ReadonlyMap<string, EventContract> = new Map(Object.entries(events))

/** What is agreed of an event of this type; undefined where nothing is. */
export const contractOf = (type: string): EventContract | undefined => byType.get(type)

/** What something says: of which type, and in the words of that. */
export type Message = { readonly type: string; readonly data: unknown }

/** One of some messages, as the log keeps it. */
type RecordedAs<Known extends Message> = Omit<Recorded, 'type' | 'data'> & Known

/** What an event says, in today's version, or why it can't be understood. */
export type Reading<Known extends Message = Message> =
  | { readonly kept: true; readonly event: RecordedAs<Known> }
  | { readonly kept: false; readonly reason: string }

/**
 * Holds an event against its contract, bringing an earlier version up to today's first: then it is one of those that its
 * reader knows by their type, or one of a type that the reader passes over.
 */
export const readEvent = <Known extends Message = Message>(event: Recorded): Reading<Known> => {
  const contract = contractOf(event.type)
  if (!contract) return { kept: false, reason: `no event is called '${event.type}'` }
  if (event.type.split('.')[0] !== event.address.aggregate)
    return { kept: false, reason: `'${event.type}' cannot stand under ${event.address.aggregate}` }
  let { data } = event
  for (let version = event.version; version < contract.version; version++) {
    const upcast = contract.upcast?.[version] as ((data: unknown) => unknown) | undefined
    if (!upcast)
      return { kept: false, reason: `nothing turns version ${version} of '${event.type}' into ${version + 1}` }
    data = upcast(data)
  }
  if (event.version > contract.version)
    return {
      kept: false,
      reason: `version ${event.version} of '${event.type}' is newer than the ${contract.version} known here`,
    }
  const parsed = contract.data.safeParse(data)
  if (!parsed.success) return { kept: false, reason: problemsOf(parsed.error.issues) }
  const read: Recorded = { ...event, version: contract.version, data: parsed.data }
  return { kept: true, event: read as RecordedAs<Message> as RecordedAs<Known> }
}

/** The event as one of those that its reader knows by their type; undefined where it does not keep its contract. */
export const knownIn = <Known extends Message>(recorded: Recorded): RecordedAs<Known> | undefined => {
  const reading = readEvent<Known>(recorded)
  return reading.kept ? reading.event : undefined
}

/** An aggregate as its events tell; what does not keep its contract is passed over, as its owner does. */
export const foldOf = <State, Known extends Message>(
  evolve: (state: State, event: RecordedAs<Known>) => State,
  initial: State,
  events: readonly Recorded[],
): State =>
  events.reduce((state, recorded) => {
    const event = knownIn<Known>(recorded)
    return event ? evolve(state, event) : state
  }, initial)

export { mistakesAt, mistakesOf, problemsOf } from './problems.ts'
