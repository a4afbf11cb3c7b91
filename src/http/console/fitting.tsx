import { useReactFlow, useStore } from '@xyflow/react'
import { useEffect } from 'react'
import type { Layout } from './layout.ts'

/** Around the drawing, with room for the buttons below it; smaller than this nobody can read it. */
const margin = 12
const foot = 48
const smallest = 0.6

/** Shows the whole graph, or its beginning where the whole would be too small, whenever layout or room have changed. */
export const Fitting = ({ on }: { readonly on: Layout }) => {
  const { setViewport } = useReactFlow()
  const width = useStore((store) => store.width)
  const height = useStore((store) => store.height)

  useEffect(() => {
    if (!width || !height) return
    const room = { width: width - 2 * margin, height: height - margin - foot }
    const fitting = Math.min(1, room.width / on.size.width, room.height / on.size.height)
    const zoom = Math.max(smallest, fitting)
    const x = margin + Math.max(0, (room.width - on.size.width * zoom) / 2)
    const y = margin + Math.max(0, (room.height - on.size.height * zoom) / 2)
    void setViewport({ x, y, zoom })
  }, [on, width, height, setViewport])
  return null
}
