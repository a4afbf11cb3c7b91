import { useReactFlow, useStore } from '@xyflow/react'
import { useEffect } from 'react'

const margin = 16

/** Moves the drawing so that what gets the focus is seen. */
export const Revealing = () => {
  const { getViewport, setViewport } = useReactFlow()
  const room = useStore((store) => store.domNode)

  useEffect(() => {
    const reveal = ({ target }: FocusEvent): void => {
      if (!room || !(target instanceof HTMLElement) || !target.matches('.node')) return
      const [box, bounds] = [target.getBoundingClientRect(), room.getBoundingClientRect()]
      const dx = missing(box.left, box.right, bounds.left, bounds.right)
      const dy = missing(box.top, box.bottom, bounds.top, bounds.bottom)
      const { x, y, zoom } = getViewport()
      if (dx || dy) void setViewport({ x: x + dx, y: y + dy, zoom })
    }
    room?.addEventListener('focusin', reveal)
    return () => room?.removeEventListener('focusin', reveal)
  }, [room, getViewport, setViewport])
  return null
}

/** How far something must move to lie between two bounds. */
const missing = (from: number, to: number, start: number, end: number): number => {
  if (from < start) return start - from + margin
  return to > end ? end - to - margin : 0
}
