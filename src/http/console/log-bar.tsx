import type { RunDetail } from './api.ts'
import { type LogChoice, levels, logText } from './log-api.ts'
import { nameOf } from './text.ts'

/** What is looked at in a log: which lines, and the word that they have. */
export type LogView = LogChoice & { readonly search?: string | undefined }

type Props = {
  readonly run: RunDetail
  readonly view: LogView
  readonly onView: (view: LogView) => void
  readonly isFollowing: boolean
  readonly onFollow: (isFollowing: boolean) => void
}

/** What is chosen of a log: node, attempt, level, a word; whether its end stays in sight; and all of it as a file. */
export const LogBar = ({ run, view, onView, isFollowing, onFollow }: Props) => {
  const { node, attempt, level, search = '' } = view
  const parts = run.nodes.filter(({ kind }) => kind === 'action' || kind === 'unknown').map(({ part }) => part)
  const tries = new Set(run.attempts.filter(({ part }) => part === node).map((one) => one.attempt))
  return (
    <search className="bar">
      <label>
        Node{' '}
        <select
          value={node ?? ''}
          onChange={({ target }) => onView({ ...view, node: target.value || undefined, attempt: undefined })}
        >
          <option value="">all</option>
          {parts.map((part) => (
            <option key={part} value={part}>
              {nameOf(part)}
            </option>
          ))}
        </select>
      </label>
      {node !== undefined && (
        <label>
          Attempt{' '}
          <select
            value={attempt ?? ''}
            onChange={({ target }) => onView({ ...view, attempt: target.value ? Number(target.value) : undefined })}
          >
            <option value="">all</option>
            {[...tries, ...(attempt === undefined || tries.has(attempt) ? [] : [attempt])]
              .toSorted((one, other) => one - other)
              .map((one) => (
                <option key={one}>{one}</option>
              ))}
          </select>
        </label>
      )}
      <label>
        Level{' '}
        <select
          value={level ?? ''}
          onChange={({ target }) => onView({ ...view, level: levels.find((one) => one === target.value) })}
        >
          <option value="">all</option>
          {levels.slice(1).map((one) => (
            <option key={one} value={one}>
              {one === 'error' ? one : `${one} and graver`}
            </option>
          ))}
        </select>
      </label>
      <label className="bar-search">
        Search{' '}
        <input
          type="search"
          value={search}
          data-key="/"
          onChange={({ target }) => onView({ ...view, search: target.value || undefined })}
        />
      </label>
      <label className="bar-check">
        <input type="checkbox" checked={isFollowing} onChange={({ target }) => onFollow(target.checked)} data-key="f" />
        Follow
      </label>
      <a href={logText(run.run, { node, attempt, level })} download>
        Download
      </a>
    </search>
  )
}
