import { createHash } from 'node:crypto'
import { splitPart } from '#contracts/names'
import type { Graph, GraphNode, RunNode } from '#contracts/pipeline'

const isClient = (kind: string): boolean => kind.endsWith('-client')

const keepsRuns = ({ nodes }: Graph): boolean => nodes.some(({ kind }) => kind === 'metadata-store')

/**
 * Every node that is connected with a pipeline's own, over all pipelines that are known; sorted, so that it can be hashed.
 * The nodes of a pipeline that keeps its own runs belong to those.
 */
export const extentOf = (pipeline: string, graphs: ReadonlyMap<string, Graph>): RunNode[] => {
  const known = new Map<string, GraphNode>()
  for (const graph of graphs.values())
    for (const node of graph.nodes) if (!isClient(node.kind)) known.set(`${graph.pipeline}/${node.name}`, node)
  const before = new Map<string, Set<string>>()
  const behind = new Map<string, Set<string>>()
  const connect = (first: string, second: string): void => {
    before.set(second, (before.get(second) ?? new Set()).add(first))
    behind.set(first, (behind.get(first) ?? new Set()).add(second))
  }
  for (const [part, { after, next }] of known) {
    for (const first of after) connect(first, part)
    for (const second of next) connect(part, second)
  }
  const isOurs = (part: string): boolean => {
    const { pipeline: owner } = splitPart(part)
    const graph = graphs.get(owner)
    return owner === pipeline || !(graph && keepsRuns(graph))
  }
  const reached = new Set([...known.keys()].filter((part) => splitPart(part).pipeline === pipeline))
  for (const part of reached)
    for (const next of [...(before.get(part) ?? []), ...(behind.get(part) ?? [])]) if (isOurs(next)) reached.add(next)
  return [...reached].sort().map((part) => ({
    part,
    kind: known.get(part)?.kind ?? 'unknown',
    after: [...(before.get(part) ?? [])].filter((first) => reached.has(first)).sort(),
    ...policyOf(known.get(part)),
  }))
}

/** The watched resources that a pipeline's runs are offered. */
export const watchedIn = (pipeline: string, graphs: ReadonlyMap<string, Graph>): string[] =>
  extentOf(pipeline, graphs)
    .map(({ part }) => part)
    .filter((part) => {
      const { pipeline: owner, node } = splitPart(part)
      return graphs.get(owner)?.nodes.some(({ name, watch }) => name === node && watch === true)
    })

/** How a run treats a node, as far as its definition says. */
export const policyOf = ({
  join,
  retry,
  timeout,
}: Partial<GraphNode> = {}): Pick<RunNode, 'join' | 'retry' | 'timeout'> => ({
  ...(join && { join }),
  ...(retry && { retry }),
  ...(timeout !== undefined && { timeout }),
})

/** The digest of anything that JSON can hold. */
export const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** How many nodes a run may have: all of them may become ready at once, and what a run decides at once is one batch of 1,000. */
const mostNodes = 900

/** How large they may be in a message, in characters of JSON: the run's first event holds all of them, with their edges. */
const largestPlan = 500_000

type Placed = { readonly part: string; readonly after: readonly string[] }

/** Why no run of these nodes can begin, and at which of them; undefined where one can. */
export const unrunnable = (nodes: readonly Placed[]): { readonly at: string; readonly reason: string } | undefined => {
  const [first] = nodes
  if (first && nodes.length > mostNodes) {
    const reason = `it would have ${nodes.length} nodes, and a run has ${mostNodes} at most: do more in each`
    return { at: first.part, reason }
  }
  const { length } = JSON.stringify(nodes)
  if (first && length > largestPlan) {
    const reason = `its nodes and edges would be ${length} characters, and ${largestPlan} fit a message: join fewer with each other`
    return { at: first.part, reason }
  }
  const cycle = cycleIn(nodes)
  return cycle?.[0] === undefined ? undefined : { at: cycle[0], reason: `a cycle: ${cycle.join(' -> ')}` }
}

/** The nodes of a cycle, in its order; undefined where there is none. */
const cycleIn = (nodes: readonly Placed[]): string[] | undefined => {
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
