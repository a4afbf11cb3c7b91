import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Preview } from '#contracts/repetition'
import { addressOfRun, serviceOf } from '#contracts/subjects'
import { type Graphs, knownPipelines, mustBeKnown } from './known.ts'
import { historyOfRun, type NamedRun, partNamed, partsIn } from './naming.ts'

/** How much of a run is repeated. */
export type RerunOptions = {
  /** `start`, unless said otherwise: all of it; `failed`: what did not succeed; or these nodes. With all that is behind. */
  readonly from?: 'start' | 'failed' | readonly string[] | undefined
  /** Which graph: the one that the run had, or, unless said otherwise, the one there is now. */
  readonly definition?: 'old' | 'present' | undefined
}

/** A repetition as the pipeline's owner takes it, the nodes by their whole names. */
export const repetitionOf = async (
  bus: Bus,
  run: NamedRun,
  { from = 'start', definition = 'present' }: RerunOptions,
) => {
  if (typeof from === 'string') return { run: run.number, from, definition }
  const known = new Set([...partsIn((await historyOfRun(bus, run)).events), ...actionsIn(await knownPipelines(bus))])
  return { run: run.number, from: from.map((word) => partNamed(word, [...known])), definition }
}

const actionsIn = (graphs: Graphs): readonly string[] =>
  [...graphs.values()].flatMap(({ pipeline, nodes }) =>
    nodes.filter(({ kind }) => kind === 'action').map(({ name }) => `${pipeline}/${name}`),
  )

/** Whoever runs the pipeline's metadata store knows what a repeated run would reuse. */
export const previewOf = async (bus: Bus, run: NamedRun, options: RerunOptions): Promise<Preview> => {
  const graphs = await knownPipelines(bus)
  const graph = graphs.get(mustBeKnown(graphs, run.pipeline))
  const store = graph?.nodes.find(({ kind }) => kind === 'metadata-store')
  if (!store) throw faults.nothingThere(`metadata store in ${run.pipeline}, so no run belongs to it`)
  if (!(await bus.last(addressOfRun(run.name)))) throw faults.nothingThere(`run ${run.number} of ${run.pipeline}`)
  const subject = serviceOf(run.pipeline, store.name, 'repeat', bus.principal)
  return (await bus.request(subject, await repetitionOf(bus, run, options), { timeout: 60_000 })) as Preview
}
