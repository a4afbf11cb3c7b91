import type { RunDetail } from './api.ts'
import { Duration } from './duration.tsx'
import { useNow } from './now.ts'
import { durationOf, nameOf } from './text.ts'

/** When each node worked, from the run's start to its end. */
export const Timeline = ({ run }: { readonly run: RunDetail }) => {
  const now = useNow(run.endedAt === null)
  const start = Date.parse(run.startedAt)
  const end = Math.max(run.endedAt ? Date.parse(run.endedAt) : now, start + 1)
  const share = (moment: number): number => ((moment - start) / (end - start)) * 100
  const rows = run.attempts.toSorted((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt))
  if (rows.length === 0) return <p className="quiet">No node has worked yet.</p>
  return (
    <ol className="timeline">
      {rows.map((one) => {
        const from = share(Date.parse(one.startedAt))
        const to = share(one.endedAt ? Date.parse(one.endedAt) : end)
        return (
          <li key={`${one.part} ${one.attempt} ${one.delivery} ${one.instance}`}>
            <span className="timeline-name" title={one.part}>
              {nameOf(one.part)}
              {one.attempt > 1 && ` (${one.attempt})`}
            </span>
            <span className="timeline-track">
              <span
                className="timeline-bar"
                data-state={one.outcome}
                style={{ left: `${from}%`, width: `${Math.max(to - from, 0.5)}%` }}
              />
            </span>
            <span className="timeline-words">
              {one.outcome}; began after {durationOf(Date.parse(one.startedAt) - start)},{' '}
              {one.endedAt ? 'took' : 'has taken'} <Duration from={one.startedAt} to={one.endedAt} />
            </span>
          </li>
        )
      })}
    </ol>
  )
}
