import { useReactFlow, useStore, type Viewport } from '@xyflow/react'
import { type RefObject, useEffect, useRef } from 'react'
import type { Box, Layout } from './layout.ts'

/** Around the drawing, with room for the buttons below it. */
const margin = 12
const foot = 48
/** Smaller than this nobody can read it. The whole is worth some of that, as one can zoom in, but not all. */
export const smallest = 0.6
const smallestWhole = 0.3

type Props = {
  readonly on: Layout
  /** The node that is open: it stays in sight. */
  readonly open: string | undefined
  /** Whether somebody has moved or zoomed the drawing: then it stays as it was put. */
  readonly moved: RefObject<boolean>
}

/** Shows the whole graph, or its beginning where the whole would be too small, whenever layout or room have changed. */
export const Fitting = ({ on, open, moved }: Props) => {
  const { getViewport, setViewport } = useReactFlow()
  const width = useStore((store) => store.width)
  const height = useStore((store) => store.height)
  const box = open === undefined ? undefined : on.nodes.get(open)
  const shown = useRef(box)
  shown.current = box
  const drawn = useRef(on)

  useEffect(() => {
    if (!width || !height) return
    // What was moved was another drawing.
    if (drawn.current !== on) moved.current = false
    drawn.current = on
    if (moved.current) return
    const room = { width: width - 2 * margin, height: height - margin - foot }
    const fitting = Math.min(1, room.width / on.size.width, room.height / on.size.height)
    const zoom = fitting < smallestWhole ? smallest : fitting
    const x = margin + Math.max(0, (room.width - on.size.width * zoom) / 2)
    const y = margin + Math.max(0, (room.height - on.size.height * zoom) / 2)
    void setViewport(inSight({ x, y, zoom }, shown.current, width, height))
  }, [on, width, height, moved, setViewport])

  useEffect(() => {
    if (width && height && box) void setViewport(inSight(getViewport(), box, width, height))
  }, [box, width, height, getViewport, setViewport])
  return null
}

/** Moves a drawing as little as is needed for a node to be in sight. */
const inSight = ({ x, y, zoom }: Viewport, box: Box | undefined, width: number, height: number): Viewport => {
  if (!box) return { x, y, zoom }
  const within = (at: number, from: number, length: number, room: number): number =>
    Math.max(margin - from * zoom, Math.min(at, room - margin - (from + length) * zoom))
  return { x: within(x, box.x, box.width, width), y: within(y, box.y, box.height, height - foot + margin), zoom }
}
