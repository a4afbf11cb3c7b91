import { useQuery } from '@tanstack/react-query'
import { Duration } from './duration.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { attemptsQuery } from './queries.ts'
import { logAddress, runAddress } from './router.ts'
import { visibleLines } from './text.ts'

type Props = { readonly part: string; readonly run: string | undefined }

/** A node's last executions, newest first. */
export const NodeAttempts = ({ part, run }: Props) => {
  const { data, error, refetch } = useQuery(attemptsQuery(part, run))
  return (
    <>
      <h3>Attempts</h3>
      {error && <ProblemNote error={error} retry={refetch} />}
      {data?.items.length === 0 && <p className="quiet">None yet: it has not been executed.</p>}
      <ol className="rows">
        {data?.items.map((one) => (
          <li key={`${one.run} ${one.attempt} ${one.delivery} ${one.instance}`}>
            {one.outcome === 'superseded' ? <em>superseded</em> : <Pill state={one.outcome} />}{' '}
            <Link to={runAddress(one.run)}>{one.run}</Link> {one.attempt > 1 && <>attempt {one.attempt} </>}
            <span className="quiet">
              <Moment at={one.startedAt} />, <Duration from={one.startedAt} to={one.endedAt} />, on {one.host}{' '}
            </span>
            <Link to={logAddress(one.run, { node: one.part, attempt: one.attempt })}>log</Link>
            {(one.reason ?? one.message) && <pre>{visibleLines(one.reason ?? one.message ?? '')}</pre>}
          </li>
        ))}
      </ol>
    </>
  )
}
