import type { Graph, GraphNode, RunDetail } from './api.ts'

/**
 * A run's graph as it was, each node as it stood there. What the present adds: where a store lies, and, of a run that still
 * goes on, whether a host is away.
 */
export const graphOfRun = (run: RunDetail, present: Graph | undefined): Graph => {
  const known = new Map(present?.nodes.map((node) => [node.part, node] as const))
  return {
    nodes: run.nodes.map((node): GraphNode => {
      const [pipeline = '', name = node.part] = node.part.split('/')
      const { watch, host, state, reason, run: last } = known.get(node.part) ?? {}
      const isAsked = node.state === 'queued' || node.state === 'running'
      const isAway = run.endedAt === null && isAsked && last === run.run && state === 'host away'
      return {
        ...node,
        pipeline,
        name,
        run: run.run,
        host: node.host ?? host ?? null,
        ...(watch && { watch }),
        ...(isAway && { state, reason: reason ?? null }),
      }
    }),
    edges: run.nodes.flatMap(({ part, after }) =>
      after.map((source) => ({ source, target: part, kind: 'after' as const })),
    ),
  }
}
