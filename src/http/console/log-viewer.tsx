import { useDeferredValue, useMemo, useState } from 'react'
import { plain } from './ansi.ts'
import type { RunDetail } from './api.ts'
import { progressIn } from './log-api.ts'
import { LogBar, type LogView } from './log-bar.tsx'
import { first, most, useLog } from './log-feed.ts'
import { LogLineRow, ProgressBar } from './log-line.tsx'
import { ProblemNote } from './problem-note.tsx'
import { nameOf } from './text.ts'
import { VirtualLines } from './virtual-lines.tsx'

type Props = {
  readonly run: RunDetail
  readonly view: LogView
  readonly onView: (view: LogView) => void
}

/** What nodes of a run print, while they do and afterwards. */
export const LogViewer = ({ run, view, onView }: Props) => {
  const { node, attempt, level } = view
  const isOver = run.endedAt !== null
  const { log, fetchAll } = useLog(run.run, view, isOver)
  const [isFollowing, follow] = useState(true)
  const [isFetching, setFetching] = useState(false)
  const search = useDeferredValue(view.search ?? '')
  const lines = useMemo(() => {
    const wanted = search.toLowerCase()
    return wanted === '' ? log.lines : log.lines.filter(({ text }) => plain(text).toLowerCase().includes(wanted))
  }, [log.lines, search])
  const progress = isOver ? undefined : log.lines.findLast((line) => progressIn(line))
  const fetchRest = async () => {
    setFetching(true)
    follow(false)
    await fetchAll?.()
    setFetching(false)
  }
  return (
    <div className="log">
      <LogBar run={run} view={view} onView={onView} isFollowing={isFollowing} onFollow={follow} />
      {progress && (
        <p className="log-progress">
          {nameOf(progress.part)} <ProgressBar {...(progressIn(progress) ?? { done: 0 })} />{' '}
          <span className="quiet">{plain(progress.text).slice(0, 200)}</span>
        </p>
      )}
      <p className="log-foot">
        <output className="quiet">
          {search !== '' && `${counted(lines.length)} of `}
          {log.isCut && 'the last '}
          {counted(log.lines.length)} {log.lines.length === 1 ? 'line' : 'lines'}
          {
            { reading: ', reading …', live: isOver ? '' : ', live', reconnecting: ', reconnecting …', ended: '' }[
              log.state
            ]
          }
        </output>
        {log.isCut && log.lines.length < most && (
          <button type="button" className="quiet-button" disabled={isFetching} onClick={fetchRest}>
            {isFetching ? 'Reading …' : 'Show all from the beginning'}
          </button>
        )}
        {log.lines.length >= most && (
          <span className="quiet">More is not shown here: download the log to see all.</span>
        )}
      </p>
      {log.error && <ProblemNote error={log.error} />}
      {lines.length === 0 && log.state !== 'reading' && (
        <p className="quiet log-none">{said(log.lines.length, search, isOver, level)}</p>
      )}
      {lines.length > 0 && (
        <VirtualLines
          key={`${node} ${attempt} ${level} ${search}`}
          lines={lines}
          label={`Log of ${node ?? run.run}`}
          isFollowing={isFollowing}
          onFollow={follow}
          render={(line, index) => <LogLineRow key={index} line={line} named={node === undefined} search={search} />}
        />
      )}
    </div>
  )
}

const counted = (lines: number): string => lines.toLocaleString()

/** Why there is nothing to be seen. */
const said = (lines: number, search: string, isOver: boolean, level: string | undefined): string => {
  if (lines > 0)
    return `None of them says “${search}”${lines >= first ? '; there may be one before the first of them' : ''}.`
  if (level) return `Nothing of level ${level} or graver.`
  return isOver
    ? 'Nothing was printed, or it is no longer kept: lines are kept for a while, not for ever.'
    : 'Nothing has been printed yet.'
}
