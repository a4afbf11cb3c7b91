import type { RunDetail } from './api.ts'
import { LogBar, type LogView } from './log-bar.tsx'
import { LogLines } from './log-lines.tsx'

type Props = {
  readonly run: RunDetail
  readonly view: LogView
  readonly onView: (view: LogView) => void
}

/** What nodes of a run print, while they do and afterwards. */
export const LogViewer = ({ run, view, onView }: Props) => {
  const { search, ...choice } = view
  return (
    <LogLines
      of={`runs/${run.run}`}
      label={`Log of ${view.node ?? run.run}`}
      choice={choice}
      search={search}
      isOver={run.endedAt !== null}
      named={view.node === undefined}
      bar={(isFollowing, follow) => (
        <LogBar run={run} view={view} onView={onView} isFollowing={isFollowing} onFollow={follow} />
      )}
    />
  )
}
