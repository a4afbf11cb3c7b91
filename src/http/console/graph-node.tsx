import { Handle, type Node, type NodeProps, Position } from '@xyflow/react'
import type { GraphNode as Shown } from './api.ts'
import { NodeCard } from './node-card.tsx'

export type CardNode = Node<
  { readonly node: Shown; readonly open: boolean; readonly onOpen: (part: string) => void },
  'card'
>

/** A node in the graph, with the places where edges end. */
export const GraphNode = ({ data }: NodeProps<CardNode>) => (
  <>
    <Handle type="target" position={Position.Left} isConnectable={false} />
    <NodeCard {...data} />
    <Handle type="source" position={Position.Right} isConnectable={false} />
  </>
)
