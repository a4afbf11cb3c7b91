import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Duration } from './duration.tsx'
import { Folder } from './folder.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { Older } from './older.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery, queuedQuery, runsQuery } from './queries.ts'
import { go, runAddress, useAddress } from './router.ts'
import { StartRun } from './start-run.tsx'
import { Table } from './table.tsx'
import { visible } from './text.ts'

const states = ['running', 'succeeded', 'failed'] as const

/** All runs, newest first, live. */
export const RunsPage = () => {
  const { said } = useAddress()
  const state = states.find((one) => one === said.get('state'))
  const query = useInfiniteQuery(runsQuery({ state }))
  const { data, error, refetch } = query
  const { data: queued } = useQuery(queuedQuery)
  const { data: graph } = useQuery(graphQuery)
  const runs = data?.pages.flatMap(({ items }) => items) ?? []
  const watched = graph?.nodes.find((node) => node.watch)
  return (
    <Page title="Runs" beside={<StartRun />}>
      <p>
        <label>
          State{' '}
          <select
            value={state ?? ''}
            onChange={({ target }) => go(target.value ? `/runs?state=${target.value}` : '/runs', { replace: true })}
          >
            <option value="">all</option>
            {states.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </p>
      {error && <ProblemNote error={error} retry={refetch} />}
      {queued?.items.map(({ request, pipeline, message }) => (
        <p className="note" key={request}>
          Queued for {pipeline}, until a slot is free: {visible(message)}
        </p>
      ))}
      {data && runs.length === 0 && (
        <p className="note">
          {state ? (
            `No run is ${state}.`
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
            { label: 'Because of', of: ({ message }) => visible(message), long: true },
            { label: 'Started', of: ({ startedAt }) => <Moment at={startedAt} />, short: true },
            { label: 'Took', of: ({ startedAt, endedAt }) => <Duration from={startedAt} to={endedAt} />, short: true },
          ]}
        />
      )}
      <Older query={query} label="Older runs" />
    </Page>
  )
}
