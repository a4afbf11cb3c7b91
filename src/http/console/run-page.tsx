import { useQuery } from '@tanstack/react-query'
import type { RunDetail } from './api.ts'
import type { Problem } from './ask.ts'
import { GraphView } from './graph-view.tsx'
import { Link } from './link.tsx'
import { NotedTable } from './noted-table.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { graphQuery, runQuery } from './queries.ts'
import { addressWith, go, runAddress, useAddress } from './router.ts'
import { RunArtifacts } from './run-artifacts.tsx'
import { RunControls } from './run-controls.tsx'
import { RunFailure } from './run-failure.tsx'
import { graphOfRun } from './run-graph.ts'
import { RunLog } from './run-log.tsx'
import { RunMetrics } from './run-metrics.tsx'
import { RunState } from './run-state.tsx'
import { Timeline } from './timeline.tsx'

/** One run: why it failed, how it stands, its graph as it was, when each node worked, what it printed, took and gave. */
export const RunPage = ({ run: name }: { readonly run: string }) => {
  const { data: run, error, refetch } = useQuery(runQuery(name))
  const isUnknown = (error as Problem | null)?.status === 404
  return (
    <Page title={`Run ${name}`} beside={run && <Standing run={run} />}>
      {isUnknown && (
        <p className="note">
          There is no run {name}. <Link to="/runs">See all runs</Link>
        </p>
      )}
      {error && !isUnknown && <ProblemNote error={error} retry={refetch} />}
      {!run && !error && <p className="quiet">Reading …</p>}
      {run && <Run run={run} />}
    </Page>
  )
}

/** What becomes of a run is asked for where it is named, however much is said of its failure. */
const Standing = ({ run }: { readonly run: RunDetail }) => (
  <>
    <Pill state={run.state} />
    <RunControls run={run} />
  </>
)

const Run = ({ run }: { readonly run: RunDetail }) => {
  const { data: present } = useQuery(graphQuery)
  const { said } = useAddress()
  const cut = run.more?.filter((section) => section !== 'metrics') ?? []
  const open = (node?: string) =>
    go(addressWith(runAddress(run.run), { ...Object.fromEntries(said), node }), { replace: true })
  return (
    <>
      <RunFailure run={run} />
      <RunState run={run} />
      {cut.length > 0 && (
        <p className="note">
          Only the first rows are shown of: {cut.join(', ')}. <code>millrace</code> and the API list all.
        </p>
      )}
      <h2>Graph</h2>
      <GraphView graph={graphOfRun(run, present)} open={said.get('node') ?? undefined} onOpen={open} run={run.run} />
      <h2>Timeline</h2>
      <Timeline run={run} />
      <RunLog run={run} />
      <RunArtifacts artifacts={run.artifacts} />
      <RunMetrics run={run.run} />
      <NotedTable title="Params" rows={run.params} />
      <NotedTable title="Tags" rows={run.tags} />
    </>
  )
}
