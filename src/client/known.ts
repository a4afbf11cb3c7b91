import { setTimeout as delay } from 'node:timers/promises'
import type { Batch, Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { isDefined } from '#bus/post'
import { knownIn } from '#contracts/all'
import { nearest } from '#contracts/nearest'
import type { Graph, PipelineEvent } from '#contracts/pipeline'
import { historiesOf } from '#contracts/subjects'

/** Pipelines as they were last defined, by name. */
export type Graphs = ReadonlyMap<string, Graph>

/** How long it may take to read who has defined what, in milliseconds. */
const patience = 30_000

/** After how long without a definition the log is read from end to end, to see that it has none; milliseconds. */
const doubtAfter = 250

/** Every pipeline that somebody has defined, by name. */
export const knownPipelines = async (bus: Bus, within = patience): Promise<Graphs> => {
  const head = await bus.head()
  if (head === 0) return new Map()
  const found = new AbortController()
  const late = AbortSignal.timeout(within)
  const signal = AbortSignal.any([found.signal, late])
  const begun = Promise.withResolvers<void>()
  const definitions = [historiesOf({ aggregate: 'pipeline', key: 'self' })]
  const quick = graphsUntil(bus, signal, ({ pending }) => pending === 0, definitions, begun.resolve)
  // Where there is no definition at all, nothing ever comes that would say so.
  const thorough = async (): Promise<Graphs> => {
    const begins = begun.promise.then(() => true)
    const isThere = await Promise.race([begins, delay(doubtAfter, false, { signal }).catch(() => true)])
    return isThere ? quick : graphsUntil(bus, signal, ({ upTo }) => upTo >= head)
  }
  try {
    const graphs = await Promise.race([quick, thorough()])
    if (late.aborted) throw faults.timeout('Reading which pipelines there are', within)
    return graphs
  } finally {
    found.abort()
  }
}

/** The pipelines that are defined in the log, read until a batch says that it was the last one. */
const graphsUntil = async (
  bus: Bus,
  signal: AbortSignal,
  isLast: (batch: Batch) => boolean,
  only?: readonly string[],
  begins: () => void = () => undefined,
): Promise<Graphs> => {
  const graphs = new Map<string, Graph>()
  const last = new AbortController()
  const read = (batch: Batch): void => {
    begins()
    for (const recorded of batch.events) {
      const event = knownIn<PipelineEvent>(recorded)
      if (event?.type === 'pipeline.defined') graphs.set(event.data.graph.pipeline, event.data.graph)
    }
    if (isLast(batch)) last.abort()
  }
  await bus.follow({ logId: bus.logId, sequence: 0 }, read, AbortSignal.any([signal, last.signal]), only)
  return graphs
}

/** Refuses the name of a pipeline that nobody has defined. */
export const mustBeKnown = (graphs: Graphs, named: string): string => {
  if (graphs.has(named)) return named
  const others = graphs.size > 0 ? nearest(named, [...graphs.keys()].sort()) : '; none is defined yet. See: millrace up'
  throw new Fault('query.nothing', `Nobody has defined a pipeline ${named}${others}`)
}

/** The same without a list of all, where it is known; whether its host is there does not matter. */
export const mustBeDefined = async (bus: Bus, named: string): Promise<string> =>
  (await isDefined(bus, named)) ? named : mustBeKnown(await knownPipelines(bus), named)

/** The pipeline whose metadata store answers: the one that was named, or the only one there is. */
export const metadataPipeline = async (bus: Bus, named: string | undefined): Promise<string> => {
  const graphs = await knownPipelines(bus)
  if (named) return mustBeKnown(graphs, named)
  const [only, ...others] = keepingMetadata(graphs)
  if (others.length === 0) return only
  const all = [only, ...others].join(', ')
  throw new Fault(
    'config.several',
    `Say which pipeline, as several keep metadata: ${all}. Name it with --pipeline ${only}; a run, with ${only}/<number>`,
  )
}

/** The pipelines that have a metadata store, one at least; a fault where none has. */
export const keepingMetadata = (graphs: Graphs): readonly [string, ...string[]] => {
  const [first, ...others] = [...graphs.values()]
    .filter(keepsMetadata)
    .map(({ pipeline }) => pipeline)
    .sort()
  if (first !== undefined) return [first, ...others]
  throw new Fault('config.none', 'Nobody has defined a pipeline with a metadata store yet. See: millrace up')
}

/** Whether a pipeline has a metadata store: whoever runs it answers queries. */
export const keepsMetadata = ({ nodes }: Graph): boolean => nodes.some(({ kind }) => kind === 'metadata-store')
