import { useQuery } from '@tanstack/react-query'
import { Controls, MarkerType, ReactFlow } from '@xyflow/react'
import type { Graph } from './api.ts'
import { Fitting, smallest } from './fitting.tsx'
import { GraphEdge, type RoutedEdge } from './graph-edge.tsx'
import { type FrameNode, GraphFrame } from './graph-frame.tsx'
import { type CardNode, GraphNode } from './graph-node.tsx'
import { edgeId, type Layout, layoutQuery } from './layout.ts'
import { useMoved } from './moved.ts'
import { ProblemNote } from './problem-note.tsx'
import { Revealing } from './revealing.tsx'

type Props = {
  readonly graph: Graph
  readonly open: string | undefined
  readonly onOpen: (part: string) => void
}

const nodeTypes = { card: GraphNode, frame: GraphFrame }
const edgeTypes = { routed: GraphEdge }

/** The graph as a drawing that can be moved and zoomed; the wheel stays the page's. */
export const GraphCanvas = ({ graph, open, onOpen }: Props) => {
  const { moved, onMoves, onControls } = useMoved()
  const { data: layout, error, refetch } = useQuery(layoutQuery(graph))
  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!layout) return <p className="quiet">Laying the graph out …</p>
  return (
    <div className="canvas" style={roomFor(layout)}>
      <ReactFlow
        nodes={[...framesIn(layout), ...cardsIn(layout, { graph, open, onOpen })]}
        edges={edgesIn(layout, graph)}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        aria-label="Graph of pipelines"
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
        defaultMarkerColor={null}
        minZoom={0.2}
        maxZoom={1.5}
        {...onMoves}
      >
        <Fitting on={layout} open={open} moved={moved} />
        <Revealing />
        <Controls showInteractive={false} orientation="horizontal" {...onControls} />
      </ReactFlow>
    </div>
  )
}

/** As high as the drawing needs, at full size or the smallest, and no higher than the window has room for. */
const roomFor = ({ size: { width, height } }: Layout) => ({
  aspectRatio: `${width} / ${height + 72}`,
  minHeight: `min(72vh, ${Math.round(height * smallest) + 72}px)`,
  maxHeight: `min(72vh, ${height + 72}px)`,
})

const framesIn = ({ frames }: Layout): FrameNode[] =>
  frames.map(({ x, y, width, height, ...frame }) => ({
    id: frame.id,
    type: 'frame',
    position: { x, y },
    width,
    height,
    data: { frame },
    zIndex: -1,
  }))

const cardsIn = ({ nodes }: Layout, { graph, open, onOpen }: Props): CardNode[] =>
  graph.nodes
    .flatMap((node): CardNode[] => {
      const box = nodes.get(node.part)
      if (!box) return []
      const { x, y, width, height } = box
      const data = { node, open: node.part === open, onOpen }
      return [{ id: node.part, type: 'card', position: { x, y }, width, height, data }]
    })
    // The order of the keyboard is the order of reading.
    .toSorted((one, other) => one.position.x - other.position.x || one.position.y - other.position.y)

const edgesIn = ({ edges, nodes }: Layout, graph: Graph): RoutedEdge[] =>
  graph.edges.flatMap((edge) => {
    const id = edgeId(edge)
    const points = edges.get(id)
    if (!points || !nodes.has(edge.source) || !nodes.has(edge.target)) return []
    const { source, target, kind } = edge
    const shared = { id, source, target, type: 'routed' as const, data: { points }, className: kind }
    return kind === 'after' ? [{ ...shared, markerEnd: { type: MarkerType.ArrowClosed } }] : [shared]
  })
