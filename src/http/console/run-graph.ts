import type { Graph, GraphNode, RunDetail } from './api.ts'
import { isClient, keepsFiles } from './states.ts'

/**
 * A run's graph as it was, each node as it stood there, and each store with what it gave and took. What the present adds: where
 * a store lies, how a node is treated, and, of a run that still goes on, whether a host is away.
 */
export const graphOfRun = (run: RunDetail, present: Graph | undefined): Graph => {
  const known = new Map(present?.nodes.map((node) => [node.part, node] as const))
  return {
    nodes: run.nodes.map((node): GraphNode => {
      const [pipeline = '', name = node.part] = node.part.split('/')
      const { watch, host, state, reason, run: last, join, retry, timeout, concurrency } = known.get(node.part) ?? {}
      const isAsked = ['queued', 'preparing', 'running', 'cleaning-up'].includes(node.state)
      const isAway = run.endedAt === null && isAsked && last === run.run && state === 'host away'
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
        ...(isAway && { state, reason: reason ?? null }),
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
