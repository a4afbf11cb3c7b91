import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { addressWith, go } from './router.ts'
import { meQuery } from './session.ts'

const keys = ['project', 'site', 'mode', 'status', 'subState', 'waitsFor', 'creator', 'text'] as const
type Key = (typeof keys)[number]
/** What a list of experiments is narrowed to, as its address says it. */
export type ExperimentFilters = Partial<Record<Key, string | undefined>>

/** Reads filters from an address; what the API would not understand is left out. */
export const experimentFiltersIn = (said: URLSearchParams): ExperimentFilters =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = said.get(key)
      return value && (key === 'text' ? value.length <= 200 : allowed(key).test(value)) ? [[key, value]] : []
    }),
  )

const choices = {
  mode: ['Idle', 'Development', 'TESTBED'],
  status: ['idle', 'deploying', 'ready', 'submitted'],
  subState: [
    'idle',
    'fetching',
    'shipping',
    'building',
    'built',
    'delivering',
    'delivered',
    'running',
    'collecting',
    'cleaned',
    'pulling',
    'uploading',
    'done',
  ],
  waitsFor: ['administrator', 'operator', 'user', 'machine'],
} as const

const allowed = (key: Key): RegExp =>
  key in choices ? new RegExp(`^(?:${choices[key as keyof typeof choices].join('|')})$`) : /^[\w-]{1,128}$/

type Props = {
  readonly filters: ExperimentFilters
  readonly projects: readonly string[]
  readonly sites: readonly string[]
}

/** Narrows the list of experiments; the address says how, so that it can be kept. */
export const ExperimentsFilters = ({ filters, projects, sites }: Props) => {
  const { data: me } = useQuery(meQuery)
  const [text, setText] = useState(filters.text ?? '')
  const narrow = (change: ExperimentFilters) =>
    go(addressWith('/experiments', { ...filters, ...change }), { replace: true })
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed narrows the list once it rests.
  useEffect(() => {
    if (text === (filters.text ?? '')) return
    const timer = setTimeout(() => narrow({ text: text || undefined }), 200)
    return () => clearTimeout(timer)
  }, [text])
  const choice = (label: string, key: Key, options: readonly string[]) => (
    <label>
      {label}{' '}
      <select value={filters[key] ?? ''} onChange={({ target }) => narrow({ [key]: target.value || undefined })}>
        <option value="">all</option>
        {options.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  )
  return (
    <search className="bar">
      <label className="bar-search">
        Search{' '}
        <input
          type="search"
          data-key="/"
          maxLength={200}
          placeholder="id, name or description"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      {choice('Project', 'project', projects)}
      {choice('Site', 'site', sites)}
      {choice('Mode', 'mode', choices.mode)}
      {choice('Status', 'status', choices.status)}
      {choice('Sub-state', 'subState', choices.subState)}
      {choice('Waits for', 'waitsFor', choices.waitsFor)}
      <label className="bar-check">
        <input
          type="checkbox"
          checked={filters.creator !== undefined}
          onChange={({ target }) => narrow({ creator: target.checked ? (me?.name ?? undefined) : undefined })}
        />
        Mine
      </label>
      {Object.keys(filters).length > 0 && (
        <button
          type="button"
          className="quiet-button"
          onClick={() => {
            setText('')
            go('/experiments', { replace: true })
          }}
        >
          Show all
        </button>
      )}
    </search>
  )
}
