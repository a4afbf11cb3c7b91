import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import elkjs, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk-api.js'
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'
import type { Graph, GraphNode } from './api.ts'
import { type Frame, framesOf } from './frames.ts'
import { isClient } from './states.ts'

export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
export type Point = { readonly x: number; readonly y: number }
export type Layout = {
  readonly frames: readonly (Frame & Box)[]
  readonly nodes: ReadonlyMap<string, Box>
  readonly edges: ReadonlyMap<string, readonly Point[]>
  readonly size: Pick<Box, 'width' | 'height'>
}

export const edgeId = ({ source, target, kind }: Graph['edges'][number]): string => `${kind} ${source} ${target}`

/** A card and, below it, room for a reason; edges end at half the card's height. */
const sizes = {
  node: { width: 216, height: 126, middle: 44 },
  client: { width: 190, height: 52, middle: 26 },
} as const

/** What stands below each other does so in the order of its places: a graph and its runs are drawn alike. */
const ordered = { 'elk.layered.crossingMinimization.semiInteractive': 'true' }
const placed = (index: number) => ({ 'elk.position': `(0, ${index})` })

const elkNodeOf = (node: GraphNode, index: number): ElkNode => {
  const { width, height, middle } = sizes[isClient(node) ? 'client' : 'node']
  const port = (name: string, x: number, y: number) => ({ id: `${name} ${node.part}`, x, y, width: 0, height: 0 })
  return {
    id: node.part,
    width,
    height,
    layoutOptions: { 'elk.portConstraints': 'FIXED_POS', ...placed(index) },
    ports: [port('to', 0, middle), port('after', width, middle), port('stands-for', width, middle + 24)],
  }
}

const elk = new elkjs.default({ workerFactory: () => new Worker(workerUrl) })

const frameOptions = { ...ordered, 'elk.padding': '[top=60,left=20,bottom=20,right=20]' }
const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.edgeCoords': 'ROOT',
  'elk.json.shapeCoords': 'ROOT',
  'elk.spacing.nodeNode': '20',
  'elk.layered.spacing.nodeNodeBetweenLayers': '44',
  'elk.layered.spacing.edgeNodeBetweenLayers': '16',
  ...ordered,
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
}

const boxOf = ({ x = 0, y = 0, width = 0, height = 0 }: ElkNode): Box => ({ x, y, width, height })

const pointsOf = ({ sections = [] }: ElkExtendedEdge): readonly Point[] =>
  sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])

/** Edges in the order of the nodes that they join, so that they take the same ways in a graph and in its runs. */
const inOrder = (nodes: Graph['nodes'], edges: Graph['edges']): Graph['edges'] => {
  const places = new Map(nodes.map(({ part }, index) => [part, index] as const))
  const placeOf = (part: string): number => places.get(part) ?? nodes.length
  return edges.toSorted(
    (one, other) => placeOf(one.source) - placeOf(other.source) || placeOf(one.target) - placeOf(other.target),
  )
}

/** Lays a graph out from left to right, in a worker. */
const arrange = async ({ nodes, edges }: Graph): Promise<Layout> => {
  const frames = framesOf(nodes)
  const drawing: ElkNode = {
    id: 'root',
    layoutOptions: options,
    children: frames.map(({ id, nodes: inside }, index) => ({
      id,
      layoutOptions: { ...frameOptions, ...placed(index) },
      children: inside.map(elkNodeOf),
    })),
    edges: inOrder(nodes, edges).map((edge) => ({
      id: edgeId(edge),
      sources: [`${edge.kind} ${edge.source}`],
      targets: [`to ${edge.target}`],
      layoutOptions: { 'elk.layered.priority.direction': edge.kind === 'after' ? '10' : '0' },
    })),
  }
  const arranged: ElkNode = await elk.layout(drawing)
  const boxes = new Map((arranged.children ?? []).map((frame) => [frame.id, frame] as const))
  const inside = [...boxes.values()].flatMap(({ children = [] }) => children)
  return {
    frames: frames.map(({ id, pipeline, host }) => ({ id, pipeline, host, ...boxOf(boxes.get(id) ?? { id }) })),
    nodes: new Map(inside.map((node) => [node.id, boxOf(node)])),
    edges: new Map((arranged.edges ?? []).map((edge) => [edge.id, pointsOf(edge)])),
    size: { width: arranged.width ?? 0, height: arranged.height ?? 0 },
  }
}

/** The layout of a graph's shape: states and reasons come and go without moving anything. */
export const layoutQuery = (graph: Graph) =>
  queryOptions({
    queryKey: ['layout', graph.nodes.map(({ part, kind, host }) => [part, kind, host]), graph.edges],
    queryFn: () => arrange(graph),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
    structuralSharing: false,
  })
