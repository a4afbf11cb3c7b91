import { useQuery } from '@tanstack/react-query'
import type { RunDetail, RunNode } from './api.ts'
import { Link } from './link.tsx'
import { LogLineRow } from './log-line.tsx'
import { lastLinesQuery } from './queries.ts'
import { logAddress } from './router.ts'
import { visibleLines } from './text.ts'

/** Why a run did not succeed, or is about not to. */
export const RunFailure = ({ run }: { readonly run: RunDetail }) => {
  const broken = run.nodes.filter(({ state }) => state === 'failed' || state === 'errored')
  if (broken.length === 0) return null
  return (
    <div className="note problem failure" role="alert">
      {broken.map((node) => (
        <Failure key={node.part} run={run} node={node} />
      ))}
    </div>
  )
}

type Props = { readonly run: RunDetail; readonly node: RunNode }

/** One node that did not succeed: how, why, and what it printed last. */
const Failure = ({ run: { run }, node: { part, state, reason, host, attempt } }: Props) => {
  const { data: lines } = useQuery(lastLinesQuery(run, part, attempt))
  return (
    <section aria-label={`Failure of ${part}`}>
      <p>
        <strong>
          {part} {state}
        </strong>
        {attempt > 1 && ` at attempt ${attempt}`}
        {host && ` on ${host}`}
      </p>
      {reason && <pre>{visibleLines(reason)}</pre>}
      {lines && lines.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <div className="excerpt" role="log" aria-live="off" aria-label={`Last lines of ${part}`} tabIndex={0}>
          <div>
            {lines.map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other order.
              <LogLineRow key={index} line={line} />
            ))}
          </div>
        </div>
      )}
      <p>
        <Link to={logAddress(run, { node: part, attempt })}>All that it printed</Link>
      </p>
    </section>
  )
}
