import { useQuery } from '@tanstack/react-query'
import { Fragment } from 'react'
import type { RunDetail } from './api.ts'
import { useMedia } from './media.ts'
import { useNow } from './now.ts'
import { ProblemNote } from './problem-note.tsx'
import { spansQuery } from './queries.ts'
import { type Phase, phases, rowsOf, ticksOf, tickText } from './spans.ts'
import { momentOf } from './text.ts'
import { TimelineRow } from './timeline-row.tsx'

/** Where a moment lies in the whole, in per cent. */
export type Place = (moment: number) => number

/** What each node was at, from the run's start to its end: while it runs, with the present moving on. */
export const Timeline = ({ run }: { readonly run: RunDetail }) => {
  const { data, error, refetch } = useQuery(spansQuery(run.run))
  const isOpen = run.endedAt === null
  const now = useNow(isOpen)
  const isNarrow = useMedia('(max-width: 48rem)')
  const start = Date.parse(run.startedAt)
  // An open run has some room behind the present, so that one sees it move.
  const end = run.endedAt ? Math.max(Date.parse(run.endedAt), start + 1) : Math.max(now, start + 1000)
  const length = (end - start) * (isOpen ? 1.05 : 1)
  const place: Place = (moment) => Math.min(100, Math.max(0, ((moment - start) / length) * 100))
  const ticks = ticksOf(length, isNarrow ? 4 : 10)

  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!data) return <p className="quiet">Reading …</p>
  const rows = rowsOf(run, data.spans)
  const bars = rows.flatMap((row) => row.bars)
  const isThere = (phase: Phase) => bars.some((bar) => bar.phase === phase && !bar.broke)
  const endings = (['failed', 'errored', 'cancelled', 'superseded', 'host away'] as const).filter((how) =>
    bars.some(({ broke }) => broke === how),
  )
  const isAgain = rows.some(({ again }) => again.length > 0)
  const hasTransfers = rows.some(({ transfers }) => transfers.length > 0)
  return (
    <div className="timeline-box">
      <ul className="inline timeline-legend">
        {(Object.keys(phases) as Phase[]).filter(isThere).map((phase) => (
          <li key={phase}>
            <span className="swatch timeline-bar" data-phase={phase} /> {phases[phase]}
          </li>
        ))}
        {endings.map((how) => (
          <li key={how}>
            <span className="swatch timeline-bar" data-phase="running" data-broke={how} /> {how}
          </li>
        ))}
        {isAgain && <li>↻ started again</li>}
        {hasTransfers && (
          <li>
            <span className="swatch timeline-transfer" /> transfer ▼ downloaded ▲ uploaded
          </li>
        )}
      </ul>
      <ol className="timeline">
        {rows.map((row) => (
          <TimelineRow key={row.part} row={row} run={run} place={place} end={end} ticks={ticks} />
        ))}
      </ol>
      <div className="timeline-axis" aria-hidden="true">
        {ticks.map((tick) => (
          <Fragment key={tick}>
            <span data-at-end={place(start + tick) > 96 || undefined} style={{ left: `${place(start + tick)}%` }}>
              {tickText(tick)}
            </span>
          </Fragment>
        ))}
        {isOpen && (
          <strong className="timeline-now" style={{ left: `${place(end)}%` }}>
            now
          </strong>
        )}
      </div>
      <p className="quiet timeline-start">Counted from {momentOf(run.startedAt)}.</p>
      {data.more && <p className="note">There is more than is drawn here: only the first stretches are.</p>}
    </div>
  )
}
