import { artifactEvents } from './artifact.ts'
import type { EventContract } from './contract.ts'
import type { Recorded } from './envelope.ts'
import { hostEvents } from './host.ts'
import { pipelineCommands, pipelineEvents } from './pipeline.ts'
import { problemsOf } from './problems.ts'
import { runCommands, runEvents } from './run.ts'
import { trackingEvents } from './tracking.ts'

/** Every event there is, by type. */
export const events = { ...pipelineEvents, ...runEvents, ...artifactEvents, ...trackingEvents, ...hostEvents } as const

/** Every command there is, by type. */
export const commands = { ...pipelineCommands, ...runCommands } as const

const byType: ReadonlyMap<string, EventContract> = new Map(Object.entries(events))

/** What is agreed of an event of this type; undefined where nothing is. */
export const contractOf = (type: string): EventContract | undefined => byType.get(type)

/** What an event says, in today's version, or why it can't be understood. */
export type Reading =
  | { readonly kept: true; readonly event: Recorded }
  | { readonly kept: false; readonly reason: string }

/** Holds an event against its contract, bringing an earlier version up to today's first. */
export const readEvent = (event: Recorded): Reading => {
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
  return parsed.success
    ? { kept: true, event: { ...event, version: contract.version, data: parsed.data } }
    : { kept: false, reason: problemsOf(parsed.error.issues) }
}

export { mistakesAt, mistakesOf, problemsOf } from './problems.ts'
