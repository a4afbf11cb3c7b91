import { useState } from 'react'
import type { Graph } from './api.ts'
import { GraphCanvas } from './graph-canvas.tsx'
import { useMedia } from './media.ts'
import { NodeList } from './node-list.tsx'
import { NodePanel } from './node-panel.tsx'
import { visible } from './text.ts'

type Props = {
  readonly graph: Graph
  readonly open: string | undefined
  /** Called with the node to open, or nothing to close the panel. */
  readonly onOpen: (part?: string) => void
  /** A run whose graph this is. */
  readonly run?: string
}

/** A graph, as a drawing or as a list, and beside it what is open. */
export const GraphView = ({ graph, open, onOpen, run }: Props) => {
  const isNarrow = useMedia('(max-width: 48rem)')
  const [wanted, want] = useState<'drawing' | 'list'>()
  const form = wanted ?? (isNarrow ? 'list' : 'drawing')
  const node = graph.nodes.find(({ part }) => part === open)
  const Form = form === 'drawing' ? GraphCanvas : NodeList

  const close = () => {
    onOpen()
    document.querySelector<HTMLElement>(`[data-part="${CSS.escape(open ?? '')}"]`)?.focus()
  }
  return (
    <div className={node ? 'graph-view with-panel' : 'graph-view'}>
      <div className="graph-form">
        {open !== undefined && !node && (
          <p className="note">
            There is no node {visible(open)}
            {run && ` in ${run}`}.{' '}
            <button type="button" className="as-link" onClick={() => onOpen()}>
              See all nodes
            </button>
          </p>
        )}
        <Form graph={graph} open={open} onOpen={onOpen} />
        <div className="graph-foot">
          {form === 'drawing' && (
            <p className="legend">
              <span className="line" /> comes after
              {graph.edges.some(({ kind }) => kind === 'stands-for') && (
                <>
                  <span className="line dashed" /> stands for
                </>
              )}
            </p>
          )}
          <button type="button" onClick={() => want(form === 'drawing' ? 'list' : 'drawing')}>
            {form === 'drawing' ? 'Show as a list' : 'Show as a drawing'}
          </button>
        </div>
      </div>
      {node && <NodePanel key={node.part} node={node} graph={graph} onClose={close} onOpen={onOpen} run={run} />}
    </div>
  )
}
