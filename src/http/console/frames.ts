import type { Graph, GraphNode } from './api.ts'

/** The nodes of one pipeline that one host runs; or those that none does. */
export type Frame = { readonly id: string; readonly pipeline: string; readonly host: string | null }

/** Frames by pipeline and host. What no host runs is with no host's nodes, as that is what one looks for. */
export const framesOf = (nodes: Graph['nodes']): readonly (Frame & { readonly nodes: readonly GraphNode[] })[] => {
  const grouped = Map.groupBy(nodes, ({ pipeline, host }) => JSON.stringify([pipeline, host]))
  return [...grouped].map(([id, inside]) => {
    const [pipeline, host] = JSON.parse(id) as [string, string | null]
    return { id, pipeline, host, nodes: inside }
  })
}

/** A graph without some pipelines, and without the edges from and to them. */
export const without = (graph: Graph, pipelines: readonly string[]): Graph => {
  const nodes = graph.nodes.filter(({ pipeline }) => !pipelines.includes(pipeline))
  const left = new Set(nodes.map(({ part }) => part))
  return { ...graph, nodes, edges: graph.edges.filter(({ source, target }) => left.has(source) && left.has(target)) }
}
