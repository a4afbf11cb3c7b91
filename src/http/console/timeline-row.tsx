import type { RunDetail } from './api.ts'
import { Link } from './link.tsx'
import { logAddress, runAddress } from './router.ts'
import { type Bar, isExecuting, type Phase, phases, type Row } from './spans.ts'
import { durationOf, inOneLine, nameOf, visible } from './text.ts'
import type { Place } from './timeline.tsx'

type Props = {
  readonly row: Row
  readonly run: RunDetail
  readonly place: Place
  /** The end of what goes on, in milliseconds since 1970. */
  readonly end: number
  readonly ticks: readonly number[]
}

/** What one node was at: as bars, and in words. */
export const TimelineRow = ({
  row: { part, state, reused, bars, transfers, again },
  run,
  place,
  end,
  ticks,
}: Props) => {
  const start = Date.parse(run.startedAt)
  const tries = new Set(bars.flatMap(({ phase, attempt }) => (isExecuting(phase) ? [attempt] : [])))
  const isTried = tries.size > 1
  const titleOf = ({ phase, attempt, from, to, broke, reason, host }: Bar): string =>
    [
      isTried && isExecuting(phase) && `attempt ${attempt}`,
      `${phases[phase]} ${durationOf((to ?? end) - from)}`,
      broke,
      reason && inOneLine(reason),
      host && `on ${host}`,
    ]
      .filter(Boolean)
      .join(', ')
  return (
    <li>
      <span className="timeline-name" title={part}>
        <Link to={logAddress(run.run, { node: part })}>{nameOf(part)}</Link>
      </span>
      <span className="timeline-track" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} className="timeline-tick" style={{ left: `${place(start + tick)}%` }} />
        ))}
        {bars.map((bar) => {
          const [left, right] = [place(bar.from), place(bar.to ?? end)]
          return (
            <span
              key={`${bar.phase} ${bar.from}`}
              className="timeline-bar"
              data-phase={bar.phase}
              data-broke={bar.broke}
              title={titleOf(bar)}
              style={{ left: `${left}%`, width: `${right - left}%` }}
            >
              <span>
                {bar.broke === 'host away'
                  ? bar.broke
                  : isTried && bar.phase === 'running'
                    ? `attempt ${bar.attempt}`
                    : phases[bar.phase]}
              </span>
            </span>
          )
        })}
        {transfers.map(({ at, took, path }) => (
          <span
            key={`${at} ${path} took`}
            className="timeline-transfer"
            style={{ left: `${place(at - (took ?? 0))}%`, width: `${place(at) - place(at - (took ?? 0))}%` }}
          />
        ))}
        {transfers.map(({ at, took, what, path, peer }) => (
          <span
            key={`${at} ${path}`}
            className="timeline-mark"
            data-what={what}
            title={`${what} ${visible(path)}${peer ? ` through ${nameOf(peer)}` : ''}${tookWords(took)}`}
            style={{ left: `${place(at)}%` }}
          >
            {what === 'uploaded' ? '▲' : '▼'}
          </span>
        ))}
        {again.map(({ at, reason }) => (
          <span
            key={at}
            className="timeline-mark"
            data-what="again"
            title={`started again: ${inOneLine(reason)}`}
            style={{ left: `${place(at)}%` }}
          >
            ↻
          </span>
        ))}
        {run.endedAt === null && <span className="timeline-tick present" style={{ left: `${place(end)}%` }} />}
      </span>
      <span className="timeline-words">
        {reused !== null ? (
          <>
            reused as in <Link to={runAddress(`${run.pipeline}/${reused}`)}>run {reused}</Link>
          </>
        ) : (
          inWords(bars, end, state)
        )}
        {again.map(({ at, reason }) => (
          <span className="timeline-again" key={at}>
            ; started again: {inOneLine(reason)}
          </span>
        ))}
        {transfers.length > 0 &&
          `; ${transfers.map(({ what, path, took }) => `${what} ${visible(path)}${tookWords(took)}`).join(', ')}`}
      </span>
    </li>
  )
}

const tookWords = (took: number | null): string => (took === null ? '' : ` in ${durationOf(took)}`)

/** The same in words: how long it was at what, attempt by attempt, and how each ended. */
const inWords = (bars: readonly Bar[], end: number, state: string): string => {
  const parts: { attempt: number; broke: string | undefined; spent: Map<Phase, number> }[] = []
  for (const { phase, attempt: tried, from, to, broke } of bars) {
    const attempt = isExecuting(phase) ? tried : 0
    const last = parts.at(-1)
    const part = last?.attempt === attempt ? last : { attempt, broke, spent: new Map<Phase, number>() }
    if (part !== last) parts.push(part)
    part.spent.set(phase, (part.spent.get(phase) ?? 0) + (to ?? end) - from)
  }
  const isTried = parts.filter(({ attempt }) => attempt > 0).length > 1
  const said = parts.map(({ attempt, broke, spent }) => {
    const words = (Object.keys(phases) as Phase[]).flatMap((phase) => {
      const length = spent.get(phase)
      return length === undefined ? [] : [`${phases[phase]} ${durationOf(length)}`]
    })
    return `${isTried && attempt > 0 ? `attempt ${attempt}: ` : ''}${[...words, ...(broke ? [broke] : [])].join(', ')}`
  })
  const hasEnded = bars.length === 0 || bars.at(-1)?.to
  const isSaid = parts.at(-1)?.broke === state
  return [...said, ...(hasEnded && !isSaid ? [state.replaceAll('-', ' ')] : [])].join('; ')
}
