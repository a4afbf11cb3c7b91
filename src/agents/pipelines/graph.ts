import { createHash } from 'node:crypto'
import { splitPart } from '#contracts/names'
import type { Graph, GraphNode } from '#contracts/pipeline'

/** A node as one run sees it. */
export type RunNode = { readonly part: string; readonly kind: GraphNode['kind'] | 'unknown'; readonly after: string[] }

const isClient = (kind: string): boolean => kind.endsWith('-client')

/** Every node that can be reached from a pipeline's own, over all pipelines that are known; sorted, so that it can be hashed. */
export const extentOf = (pipeline: string, graphs: ReadonlyMap<string, Graph>): RunNode[] => {
  const known = new Map<string, GraphNode>()
  for (const graph of graphs.values())
    for (const node of graph.nodes) if (!isClient(node.kind)) known.set(`${graph.pipeline}/${node.name}`, node)
  const edges = [...known].flatMap(([part, { after, next }]) => [
    ...after.map((before) => ({ before, behind: part })),
    ...next.map((behind) => ({ before: part, behind })),
  ])
  const reached = new Set([...known.keys()].filter((part) => splitPart(part).pipeline === pipeline))
  for (const part of reached) for (const { before, behind } of edges) if (before === part) reached.add(behind)
  return [...reached].sort().map((part) => ({
    part,
    kind: known.get(part)?.kind ?? 'unknown',
    after: [
      ...new Set(
        edges.filter(({ before, behind }) => behind === part && reached.has(before)).map(({ before }) => before),
      ),
    ].sort(),
  }))
}

/** The digest of anything that JSON can hold. */
export const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** The nodes of a cycle, in its order; undefined where there is none. */
export const cycleIn = (
  nodes: readonly { readonly part: string; readonly after: readonly string[] }[],
): string[] | undefined => {
  const afterOf = new Map(nodes.map(({ part, after }) => [part, after]))
  const done = new Set<string>()
  const visit = (part: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(part)) return [...path.slice(path.indexOf(part)), part]
    if (done.has(part)) return undefined
    done.add(part)
    for (const before of afterOf.get(part) ?? []) {
      const cycle = visit(before, [...path, part])
      if (cycle) return cycle
    }
    return undefined
  }
  for (const { part } of nodes) {
    const cycle = visit(part, [])
    if (cycle) return cycle
  }
  return undefined
}
