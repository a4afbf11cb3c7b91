import type { RunDetail } from './api.ts'
import { Link } from './link.tsx'
import { levels } from './log-api.ts'
import type { LogView } from './log-bar.tsx'
import { LogViewer } from './log-viewer.tsx'
import { addressWith, go, logAddress, runAddress, useAddress } from './router.ts'
import { isAtWork } from './states.ts'

/** A run's log on its page: of the node that failed, of one that is at work, or all of it, until somebody chooses. */
export const RunLog = ({ run }: { readonly run: RunDetail }) => {
  const { said } = useAddress()
  const { log, attempt, ...rest } = Object.fromEntries(said)
  const view: LogView = {
    node: log === undefined ? telling(run) : log || undefined,
    attempt: attempt !== undefined && /^\d{1,9}$/.test(attempt) ? Number(attempt) : undefined,
    level: levels.find((level) => level === rest.level),
    search: rest.search,
  }
  const choose = ({ node, ...chosen }: LogView) => {
    const isUsual = node === telling(run) && log === undefined
    // `log=` without a node means all of them.
    const address = { ...rest, log: isUsual ? undefined : (node ?? ''), ...chosen }
    go(addressWith(runAddress(run.run), address), { replace: true })
  }
  const { search: _, ...kept } = view
  return (
    <section>
      <h2>
        Log <Link to={logAddress(run.run, kept)}>on a page of its own</Link>
      </h2>
      <LogViewer run={run} view={view} onView={choose} />
    </section>
  )
}

/** The node whose log says most: the first that failed, then one at work; none where it went well, as the last may say nothing. */
const telling = ({ nodes }: RunDetail): string | undefined => {
  const actions = nodes.filter(({ kind, reused }) => kind === 'action' && reused === null)
  const failed = actions.find(({ state }) => state === 'failed' || state === 'errored')
  return (failed ?? actions.find(isAtWork))?.part
}
