import type { GraphNode } from './api.ts'
import { Icon } from './icon.tsx'
import { Pill } from './pill.tsx'
import { Reason } from './reason.tsx'
import { isClient, kindOf, wordOf } from './states.ts'
import { inOneLine, withMoments } from './text.ts'

type Props = { readonly node: GraphNode; readonly open: boolean; readonly onOpen: (part: string) => void }

/** A node, small: what it is, how it stands, what it waits for. It is a button that opens the rest. */
export const NodeCard = ({ node, open, onOpen }: Props) => {
  const { label, icon } = kindOf(node)
  const state = wordOf(node)
  const news = node.fresh ? `${node.fresh} new ${node.fresh === 1 ? 'file' : 'files'}` : ''
  const isReused = typeof node.reused === 'number'
  const reason = isReused
    ? `reused as in run ${node.reused}`
    : inOneLine(node.reason && node.reason !== state ? withMoments(node.reason) : news)
  return (
    <div className="node-box">
      <button
        type="button"
        className={isClient(node) ? 'node client' : 'node'}
        data-kind={icon}
        data-part={node.part}
        data-reused={isReused || undefined}
        aria-expanded={open}
        onClick={() => onOpen(node.part)}
      >
        <span className="node-name" title={node.part}>
          {node.name}
        </span>
        <span className="kind">
          <Icon name={icon} />
          {label}
        </span>
        {state && (isClient(node) ? <span className="visually-hidden">{state}</span> : <Pill state={state} />)}
      </button>
      {reason && (
        <p className="node-reason" title={reason}>
          <Reason text={reason} dueAt={node.dueAt} />
        </p>
      )}
    </div>
  )
}
