import type { Node, NodeProps } from '@xyflow/react'
import type { Frame } from './frames.ts'

export type FrameNode = Node<{ readonly frame: Frame }, 'frame'>

/** What is around the nodes of one pipeline on one host. */
export const GraphFrame = ({ data: { frame } }: NodeProps<FrameNode>) => (
  <div className="frame">
    <strong>{frame.pipeline}</strong>
    <span>{frame.host ? `on ${frame.host}` : 'on no host'}</span>
  </div>
)
