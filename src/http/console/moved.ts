import type { OnMove, Viewport } from '@xyflow/react'
import { useRef } from 'react'

/** How far a hand trembles that only clicks, in pixels. */
const tremble = 5

/** Whether somebody has moved or zoomed a drawing, as told by what its events are handed to. */
export const useMoved = () => {
  const moved = useRef(false)
  const began = useRef<Viewport>(undefined)
  // What a drawing does by itself comes without an event.
  const onMoveStart: OnMove = (event, viewport) => {
    if (event) began.current = viewport
  }
  const onMove: OnMove = (event, viewport) => {
    if (event && began.current && isElsewhere(began.current, viewport)) moved.current = true
  }
  return {
    moved,
    onMoves: { onMoveStart, onMove },
    onControls: {
      onZoomIn: () => {
        moved.current = true
      },
      onZoomOut: () => {
        moved.current = true
      },
      onFitView: () => {
        moved.current = false
      },
    },
  }
}

const isElsewhere = (from: Viewport, to: Viewport): boolean =>
  from.zoom !== to.zoom || Math.hypot(to.x - from.x, to.y - from.y) > tremble
