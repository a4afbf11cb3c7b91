import { BaseEdge, type Edge, type EdgeProps } from '@xyflow/react'
import type { Point } from './layout.ts'

export type RoutedEdge = Edge<{ readonly points: readonly Point[] }, 'routed'>

const radius = 8

/** Draws an edge along the way that the layout found for it, its corners rounded. */
export const GraphEdge = ({ data, markerEnd, ...edge }: EdgeProps<RoutedEdge>) => {
  const [first, ...rest] = data?.points ?? []
  if (!first) return null
  const steps = rest.map((point, index) => {
    const next = rest[index + 1]
    if (!next) return `L ${point.x} ${point.y}`
    const before = rest[index - 1] ?? first
    const [enter, leave] = [towards(point, before), towards(point, next)]
    return `L ${enter.x} ${enter.y} Q ${point.x} ${point.y} ${leave.x} ${leave.y}`
  })
  return (
    <BaseEdge
      id={edge.id}
      path={`M ${first.x} ${first.y} ${steps.join(' ')}`}
      interactionWidth={0}
      {...(markerEnd && { markerEnd })}
    />
  )
}

/** A point a little way off, in the direction of another. */
const towards = (from: Point, to: Point): Point => {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const length = Math.hypot(dx, dy) || 1
  const share = Math.min(radius, length / 2) / length
  return { x: from.x + dx * share, y: from.y + dy * share }
}
