import type { RunDetail } from './api.ts'
import { visibleLines } from './text.ts'

/** Why a run did not succeed, or is about not to. */
export const RunFailure = ({ run }: { readonly run: RunDetail }) => {
  const broken = run.nodes.filter(({ state }) => state === 'failed' || state === 'errored')
  if (broken.length === 0) return null
  return (
    <div className="note problem" role="alert">
      {broken.map(({ part, state, reason, host }) => (
        <div key={part}>
          <p>
            <strong>
              {part} {state}
            </strong>
          </p>
          {reason && <pre>{visibleLines(reason)}</pre>}
          {host && <p>The log of host {host} says more.</p>}
        </div>
      ))}
    </div>
  )
}
