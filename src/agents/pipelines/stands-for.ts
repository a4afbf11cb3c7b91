import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { knownIn } from '#contracts/all'
import { splitPart } from '#contracts/names'
import { nearest } from '#contracts/nearest'
import { type Graph, type GraphNode, keepsFiles, type PipelineEvent } from '#contracts/pipeline'

/** That no node has a name, and which was probably meant. */
export const noNode = (qualified: string, known: readonly string[]): string =>
  `no node is called '${qualified}'${known.length > 0 ? nearest(splitPart(qualified).node, known) : ''}`

/** Why a client can't stand for what it names, as the pipeline of that is defined; undefined where it can. */
export const unfitFor = (
  client: 'store-client' | 'metadata-client',
  of: string,
  { nodes }: Pick<Graph, 'nodes'>,
): string | undefined => {
  const fits = ({ kind }: GraphNode) => (client === 'store-client' ? keepsFiles(kind) : kind === 'metadata-store')
  const meant = nodes.find(({ name }) => name === splitPart(of).node)
  if (meant && fits(meant)) return undefined
  const known = nodes.filter(fits).map(({ name }) => name)
  if (!meant) return noNode(of, known)
  const what = client === 'store-client' ? 'store' : 'metadata store'
  const others = known.length > 0 ? `; known are ${known.join(', ')}` : ''
  return `'${of}' is no ${what} (it is of kind ${meant.kind})${others}`
}

/**
 * Looks for a store in the log where nobody answers for it: a fault where its pipeline is defined and has no such store, as
 * no host ever would answer. Of a pipeline that nobody has defined yet, nothing is known. What was read is not read again.
 */
export const lookFor = ({ read }: Pick<Bus, 'read'>, of: string) => {
  const { pipeline: scope } = splitPart(of)
  let seen = 0
  let graph: Graph | undefined
  return async (): Promise<void> => {
    const { events, version } = await read({ aggregate: 'pipeline', scope, key: 'self' }, seen)
    if (version < seen) return // Another execution has read more meanwhile.
    seen = version
    for (const recorded of events) {
      const event = knownIn<PipelineEvent>(recorded)
      if (event?.type === 'pipeline.defined') graph = event.data.graph
    }
    const reason = graph && unfitFor('store-client', of, graph)
    if (reason !== undefined) throw faults.noStoreDefined(scope, reason)
  }
}
