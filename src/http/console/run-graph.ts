import type { Graph, GraphNode, RunDetail } from './api.ts'
import { isClient, keepsFiles } from './states.ts'

/**
 * A run's graph as it was, each node as it stood there, and each store with what it gave and took. What the present adds: where
 * a store lies, and how a node is treated. A node of which the present says nothing is drawn with the rest of its pipeline.
 */
export const graphOfRun = (run: RunDetail, present: Graph | undefined): Graph => {
  const known = new Map(present?.nodes.map((node) => [node.part, node] as const))
  const hosts = new Map(run.nodes.flatMap(({ part, host }) => (host ? [[part.split('/')[0], host] as const] : [])))
  return {
    nodes: run.nodes.map((node): GraphNode => {
      const [pipeline = '', name = node.part] = node.part.split('/')
      const { watch, host = hosts.get(pipeline), join, retry, timeout, concurrency } = known.get(node.part) ?? {}
      return {
        ...node,
        pipeline,
        name,
        run: run.run,
        host: node.host ?? host ?? null,
        reason: node.reason ?? filesOf(run, node),
        ...(watch && { watch }),
        ...(join && { join }),
        ...(retry && { retry }),
        ...(timeout && { timeout }),
        ...(concurrency && { concurrency }),
      }
    }),
    edges: run.nodes.flatMap(({ part, after }) =>
      after.map((source) => ({ source, target: part, kind: 'after' as const })),
    ),
  }
}

const gave: readonly string[] = ['offered', 'used', 'downloaded']
const took: readonly string[] = ['produced', 'uploaded']

/** How many files a store gave to a run, and took from it; null where nothing is known of any. */
const filesOf = ({ artifacts, more }: RunDetail, { part, kind }: RunDetail['nodes'][number]): string | null => {
  if (!keepsFiles({ kind }) && !isClient({ kind })) return null
  const own = artifacts.filter(({ store, peer }) => store === part || peer === part)
  const said = [['gave', gave] as const, ['took', took] as const].flatMap(([word, whats]) => {
    const files = new Set(own.filter(({ what }) => whats.includes(what)).map(({ path }) => path)).size
    const counted = `${files} ${files === 1 ? 'file' : 'files'}${more?.includes('artifacts') ? ' or more' : ''}`
    return files > 0 ? [`${word} ${counted}`] : []
  })
  return said.length > 0 ? said.join(', ') : null
}
