import { type KeyboardEvent, useEffect, useRef } from 'react'
import type { Graph, GraphNode } from './api.ts'
import { Facts } from './facts.tsx'
import { Folder } from './folder.tsx'
import { Link } from './link.tsx'
import { NodeArtifacts } from './node-artifacts.tsx'
import { NodeAttempts } from './node-attempts.tsx'
import { NodeNoted } from './node-noted.tsx'
import { policiesOf } from './node-policies.ts'
import { NodeStored } from './node-stored.tsx'
import { Pill } from './pill.tsx'
import { Reason } from './reason.tsx'
import { runAddress } from './router.ts'
import { isClient, keepsFiles, kindOf, wordOf } from './states.ts'
import { nameOf, visible, visibleLines, withMoments } from './text.ts'

type Props = {
  readonly node: GraphNode
  readonly graph: Graph
  readonly onClose: () => void
  readonly onOpen: (part: string) => void
  /** Only what belongs to this run. */
  readonly run: string | undefined
}

/** What there is to know of one node. */
export const NodePanel = ({ node, graph, onClose, onOpen, run }: Props) => {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  const state = wordOf(node)
  const isStore = keepsFiles(node)
  const { reused } = node

  const parts = (found: readonly string[]) =>
    found.length > 0 && (
      <ul className="inline">
        {found.map((part) => (
          <li key={part}>
            <button type="button" className="as-link" onClick={() => onOpen(part)}>
              {nameOf(part)}
            </button>
          </li>
        ))}
      </ul>
    )
  const after = graph.edges.filter(({ kind }) => kind === 'after')
  const closeOnEscape = ({ key }: KeyboardEvent) => key === 'Escape' && onClose()

  return (
    <section className="panel" aria-label={`Node ${node.part}`} onKeyDown={closeOnEscape}>
      <div className="panel-head">
        <h2 ref={heading} tabIndex={-1}>
          {node.name}
        </h2>
        <button type="button" className="quiet-button" onClick={onClose}>
          Close
        </button>
      </div>
      <p>
        {state && <Pill state={state} />} <span className="quiet">{kindOf(node).label}</span>
      </p>
      {reused !== null && reused !== undefined && (
        <p className="reason">
          Reused as in <Link to={runAddress(`${run?.split('/')[0] ?? node.pipeline}/${reused}`)}>run {reused}</Link>: it
          was not executed again.
        </p>
      )}
      {node.reason && node.reason !== state && (
        <pre className="reason">
          <Reason text={visibleLines(withMoments(node.reason))} dueAt={node.dueAt} />
        </pre>
      )}
      {node.description && <p>{visible(node.description)}</p>}
      <Facts
        rows={[
          ['Pipeline', node.pipeline],
          ['Host', node.host],
          [node.kind === 'metadata-store' ? 'Database' : 'Folder', node.path && <Folder path={node.path} />],
          ['Stands for', node.of && parts([node.of])],
          ['After', parts(after.filter(({ target }) => target === node.part).map(({ source }) => source))],
          ['Before', parts(after.filter(({ source }) => source === node.part).map(({ target }) => target))],
          ...policiesOf(node),
          ['New files', node.fresh === undefined ? null : String(node.fresh)],
          ['Last run', !run && node.run && <Link to={runAddress(node.run)}>{node.run}</Link>],
          ['Own page', node.kind !== 'unknown' && <a href={`/${node.name}?of=${node.pipeline}`}>/{node.name}</a>],
        ]}
      />
      {node.kind === 'action' && <NodeAttempts part={node.part} run={run} />}
      {node.kind === 'metadata-store' && !run && <NodeNoted pipeline={node.pipeline} />}
      {isStore && !run && <NodeStored node={node} />}
      {(isClient(node) || node.kind === 'action' || (isStore && run)) && <NodeArtifacts node={node} run={run} />}
    </section>
  )
}
