import { type ReactNode, useDeferredValue, useMemo, useState } from 'react'
import { plain } from './ansi.ts'
import { type LogChoice, type LogLine, progressIn } from './log-api.ts'
import { first, most, useLog } from './log-feed.ts'
import { LogLineRow, ProgressBar } from './log-line.tsx'
import { ProblemNote } from './problem-note.tsx'
import { nameOf } from './text.ts'
import { VirtualLines } from './virtual-lines.tsx'

type Props = {
  /** What has the log, as the API has it: `runs/<run>` or `experiments/<id>`. */
  readonly of: string
  readonly label: string
  readonly choice: LogChoice
  readonly search: string | undefined
  /** Whether nothing more is printed. */
  readonly isOver: boolean
  /** Whether lines of several nodes stand together. */
  readonly named: boolean
  /** What is said of all of it, above the lines. */
  readonly above?: (lines: readonly LogLine[]) => ReactNode
  /** What is chosen of the log, and whether its end stays in sight. */
  readonly bar: (isFollowing: boolean, follow: (isFollowing: boolean) => void) => ReactNode
}

/** What was printed, while it is and afterwards. */
export const LogLines = ({ of, label, choice, search: sought = '', isOver, named, above, bar }: Props) => {
  const { log, fetchAll } = useLog(of, choice, isOver)
  const [isFollowing, follow] = useState(true)
  const [isFetching, setFetching] = useState(false)
  const search = useDeferredValue(sought)
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
      {bar(isFollowing, follow)}
      {above?.(log.lines)}
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
        <p className="quiet log-none">{said(log.lines.length, search, isOver, choice.level)}</p>
      )}
      {lines.length > 0 && (
        <VirtualLines
          key={`${JSON.stringify(choice)} ${search}`}
          lines={lines}
          label={label}
          isFollowing={isFollowing}
          onFollow={follow}
          render={(line, index) => <LogLineRow key={index} line={line} named={named} search={search} />}
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
