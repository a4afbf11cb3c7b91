import { Fragment } from 'react'
import { piecesOf, plain } from './ansi.ts'
import { type LogLine, type Progress, progressIn } from './log-api.ts'
import { nameOf, visibleLines } from './text.ts'

type Props = {
  readonly line: LogLine
  /** Whether lines of several nodes stand together. */
  readonly named?: boolean
  /** A text that is marked wherever it stands. */
  readonly search?: string
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
})

/** One line that a node printed: text, in the colours of a terminal. */
export const LogLineRow = ({ line, named = false, search = '' }: Props) => {
  const { at, level, text, part, attempt } = line
  const progress = progressIn(line)
  return (
    <div className="line" data-level={level} data-command={text.startsWith('$ ') || undefined}>
      <time dateTime={at} title={at}>
        {clock.format(new Date(at))}
      </time>
      <span className="line-level">{level}</span>
      <span className="line-text">
        {(named || attempt > 1) && (
          <span className="line-who">
            {[named && nameOf(part), attempt > 1 && `(attempt ${attempt})`].filter(Boolean).join(' ')}{' '}
          </span>
        )}
        {search !== '' && plain(text) !== text ? (
          <Marked text={plain(text)} search={search} />
        ) : (
          piecesOf(text).map((piece, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line have no other order.
            <span key={index} className={piece.manner || undefined}>
              <Marked text={piece.text} search={search} />
            </span>
          ))
        )}
        {progress && <ProgressBar {...progress} />}
      </span>
    </div>
  )
}

/** How far something has come, as a bar where it is known how far it is to go. */
export const ProgressBar = ({ done, of }: Progress) =>
  of !== undefined && of > 0 ? (
    <progress value={Math.min(done, of)} max={of} aria-label={`${done} of ${of}`} title={`${done} of ${of}`} />
  ) : null

const Marked = ({ text, search }: { readonly text: string; readonly search: string }) => {
  if (search === '') return visibleLines(text)
  // What was found stands between what was not.
  return text.split(new RegExp(`(${search.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')})`, 'gi')).map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line have no other order.
    <Fragment key={index}>{index % 2 === 1 ? <mark>{visibleLines(piece)}</mark> : visibleLines(piece)}</Fragment>
  ))
}
