import { useQuery } from '@tanstack/react-query'
import { Link } from './link.tsx'
import { levels } from './log-api.ts'
import { LogViewer } from './log-viewer.tsx'
import { Page } from './page.tsx'
import { Pill } from './pill.tsx'
import { ProblemNote } from './problem-note.tsx'
import { runQuery } from './queries.ts'
import { go, logAddress, runAddress, useAddress } from './router.ts'

/** The log of a run, with all the room there is. */
export const LogPage = ({ run: name }: { readonly run: string }) => {
  const { data: run, error, refetch } = useQuery(runQuery(name))
  const { said } = useAddress()
  const attempt = said.get('attempt')
  const view = {
    node: said.get('node') ?? undefined,
    attempt: attempt && /^\d{1,9}$/.test(attempt) ? Number(attempt) : undefined,
    level: levels.find((one) => one === said.get('level')),
    search: said.get('search') ?? undefined,
  }
  return (
    <Page title={`Log of run ${name}`} beside={run && <Pill state={run.state} />}>
      <p>
        <Link to={runAddress(name)}>Back to the run</Link>
      </p>
      {error && <ProblemNote error={error} retry={refetch} />}
      {run && (
        <div className="log-page">
          <LogViewer run={run} view={view} onView={(to) => go(logAddress(name, to), { replace: true })} />
        </div>
      )}
    </Page>
  )
}
