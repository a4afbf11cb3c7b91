import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { knownIn } from '#contracts/all'
import { nearestPart } from '#contracts/nearest'
import type { RunEvent } from '#contracts/run'
import { addressOfRun } from '#contracts/subjects'
import { metadataPipeline } from './known.ts'

/** A run: `<pipeline>/<number>`, or its number where one pipeline alone keeps metadata. */
export type RunName = string | number

/** A run that is meant; `name` is `<pipeline>/<number>`. */
export type NamedRun = { readonly pipeline: string; readonly number: number; readonly name: string }

/** The run that is meant. */
export const runNamed = async (bus: Bus, run: RunName): Promise<NamedRun> => {
  const [, named, number] = /^(?:([\w-]{1,128})\/)?(\d{1,15})$/.exec(String(run)) ?? []
  if (number === undefined)
    throw new Fault('contract.run', `'${run}' is no run: use <pipeline>/<number>, or the number alone`)
  const pipeline = named ?? (await metadataPipeline(bus, undefined))
  return { pipeline, number: Number(number), name: `${pipeline}/${Number(number)}` }
}

/** All that a run has recorded, and the version up to which that is; a fault where there is no such run. */
export const historyOfRun = async (bus: Bus, run: NamedRun) => {
  const { events, version } = await bus.read(addressOfRun(run.name))
  if (events.length === 0) throw faults.nothingThere(`run ${run.number} of ${run.pipeline}`)
  return { events: events.flatMap((recorded) => knownIn<RunEvent>(recorded) ?? []), recorded: events, version }
}

/** The nodes that a run has had since it began. */
export const partsIn = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'run.planned' ? event.data.nodes.map(({ part }) => part) : []))

/** The node a word names among these: `<pipeline>/<node>`, or the node alone where one pipeline alone has it. */
export const partNamed = (word: string, parts: readonly string[]): string => {
  const [only = '', ...others] = mustBeNode(word, parts)
  if (others.length === 0) return only
  throw new Fault('config.several', `Several pipelines have a node ${word}. Say which: ${[only, ...others].join(', ')}`)
}

/** All nodes that a word may name among these; a fault where it names none. */
export const mustBeNode = (word: string, parts: readonly string[]): readonly string[] => {
  const meant = parts.filter((part) => part === word || part.endsWith(`/${word}`))
  if (meant.length === 0) throw new Fault('query.nothing', `There is no node ${word}${nearestPart(word, parts)}`)
  return meant
}
