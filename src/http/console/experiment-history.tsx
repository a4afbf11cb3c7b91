import { useInfiniteQuery } from '@tanstack/react-query'
import { decidedQuery } from './experiment-queries.ts'
import { Moment } from './moment.tsx'
import { Older } from './older.tsx'
import { ProblemNote } from './problem-note.tsx'
import { inOne, visible } from './text.ts'

/** Who did what, and with which reason; newest first. */
export const ExperimentHistory = ({ experiment }: { readonly experiment: string }) => {
  const query = useInfiniteQuery(decidedQuery(experiment))
  const { data, error, refetch } = query
  return (
    <section aria-label="History">
      <h2>History</h2>
      {error && <ProblemNote error={error} retry={refetch} />}
      <ol className="rows history">
        {data?.pages.flatMap(({ items }) =>
          items.map(({ position, what, principal, reason, at }) => (
            <li key={position}>
              <span className="quiet history-when">
                <Moment at={at} />
              </span>
              <span>
                <strong>{principal}</strong> {visible(what).replaceAll('/self', '')}
                {reason && <span className="history-why">“{inOne(reason)}”</span>}
              </span>
            </li>
          )),
        )}
      </ol>
      <Older query={query} label="Earlier" />
    </section>
  )
}
