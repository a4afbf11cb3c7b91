import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Problem } from './api.ts'
import { Duration } from './duration.tsx'
import { Facts } from './facts.tsx'
import { GraphView } from './graph-view.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { NotedTable } from './noted-table.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery, runQuery } from './queries.ts'
import { RunArtifacts } from './run-artifacts.tsx'
import { RunFailure } from './run-failure.tsx'
import { graphOfRun } from './run-graph.ts'
import { visible } from './text.ts'
import { Timeline } from './timeline.tsx'

/** One run: why it failed, its graph as it was, what it took and gave, when each node worked. */
export const RunPage = ({ run: name }: { readonly run: string }) => {
  const { data: run, error, refetch } = useQuery(runQuery(name))
  const { data: present } = useQuery(graphQuery)
  const [open, setOpen] = useState<string>()
  const isUnknown = (error as Problem | null)?.status === 404
  return (
    <Page title={`Run ${name}`} beside={run && <Pill state={run.state} />}>
      {isUnknown && (
        <p className="note">
          There is no run {name}. <Link to="/runs">See all runs</Link>
        </p>
      )}
      {error && !isUnknown && <ProblemNote error={error} retry={refetch} />}
      {!run && !error && <p className="quiet">Reading …</p>}
      {run && (
        <>
          <RunFailure run={run} />
          <Facts
            rows={[
              ['Because of', visible(run.message)],
              ['Started', <Moment key="started" at={run.startedAt} />],
              [run.endedAt ? 'Took' : 'Runs for', <Duration key="took" from={run.startedAt} to={run.endedAt} />],
            ]}
          />
          {run.more && (
            <p className="note">
              Only the first rows are shown of: {run.more.join(', ')}. <code>millrace</code> and the API list all.
            </p>
          )}
          <h2>Graph</h2>
          <GraphView graph={graphOfRun(run, present)} open={open} onOpen={setOpen} run={run.run} />
          <h2>Timeline</h2>
          <Timeline run={run} />
          <RunArtifacts artifacts={run.artifacts} />
          <NotedTable title="Metrics" rows={run.metrics} />
          <NotedTable title="Params" rows={run.params} />
          <NotedTable title="Tags" rows={run.tags} />
        </>
      )}
    </Page>
  )
}
