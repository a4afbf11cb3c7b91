import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Cut } from './cut.tsx'
import { Duration } from './duration.tsx'
import { Folder } from './folder.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery } from './queries.ts'
import { QueuedRequests } from './queued-requests.tsx'
import { runAddress, useAddress } from './router.ts'
import { filtersIn, RunsFilters } from './runs-filters.tsx'
import { runsQuery } from './runs-query.ts'
import { StartRun } from './start-run.tsx'
import { triggerWords } from './states.ts'
import { Table } from './table.tsx'
import { inOneLine, visible } from './text.ts'

/** All runs, newest first, live; what is still queued stands above them. */
export const RunsPage = () => {
  const filters = filtersIn(useAddress().said)
  const query = useInfiniteQuery(runsQuery(filters))
  const { data, error, refetch } = query
  const { data: graph } = useQuery(graphQuery)
  const runs = data?.pages.flatMap(({ items }) => items) ?? []
  const pipelines = new Set(graph?.nodes.flatMap(({ kind, pipeline }) => (kind === 'metadata-store' ? [pipeline] : [])))
  const isNarrowed = Object.values(filters).some((value) => value !== undefined)
  const watched = graph?.nodes.find((node) => node.watch)
  return (
    <Page title="Runs" beside={<StartRun />}>
      <QueuedRequests />
      <RunsFilters filters={filters} pipelines={[...pipelines]} />
      {error && <ProblemNote error={error} retry={refetch} />}
      {data && runs.length === 0 && (
        <p className="note">
          {isNarrowed ? (
            query.hasNextPage ? (
              'None among the newest runs.'
            ) : (
              'No run is like that.'
            )
          ) : graph?.nodes.length === 0 ? (
            'No run yet: no pipeline is connected.'
          ) : (
            <>
              No run yet:{' '}
              {watched?.path && (
                <>
                  drop a file into <Folder path={watched.path} />, or{' '}
                </>
              )}
              start one here.
            </>
          )}
        </p>
      )}
      {runs.length > 0 && (
        <Table
          rows={runs}
          keyOf={({ run }) => run}
          columns={[
            { label: 'Run', of: ({ run }) => <Link to={runAddress(run)}>{run}</Link> },
            { label: 'State', of: (run) => <Pill state={run.state} />, short: true },
            { label: 'Because of', of: ({ trigger }) => triggerWords[trigger] ?? trigger },
            { label: 'Message', of: ({ message }) => visible(message), long: true },
            { label: 'Reason', of: ({ reason }) => reason && <Cut text={inOneLine(reason)} />, long: true },
            { label: 'Started', of: ({ startedAt }) => <Moment at={startedAt} />, short: true },
            { label: 'Took', of: ({ startedAt, endedAt }) => <Duration from={startedAt} to={endedAt} />, short: true },
          ]}
        />
      )}
      <Older query={query} label="Older runs" />
    </Page>
  )
}
