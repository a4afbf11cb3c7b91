import { addressWith, go } from './router.ts'
import { runStates, triggerWords } from './states.ts'

/** What a list of runs is narrowed to, as its address says it; times as an input has them. */
export type RunFilters = {
  readonly state?: string | undefined
  readonly trigger?: string | undefined
  readonly pipeline?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Reads filters from an address: what is none is left out. */
export const filtersIn = (said: URLSearchParams): RunFilters => {
  const timeIn = (key: string) => {
    const text = said.get(key) ?? ''
    return Number.isNaN(Date.parse(text)) ? undefined : text
  }
  const trigger = said.get('trigger') ?? ''
  const pipeline = said.get('pipeline') ?? ''
  return {
    state: runStates.find((one) => one === said.get('state')),
    trigger: trigger in triggerWords ? trigger : undefined,
    pipeline: /^[\w-]{1,128}$/.test(pipeline) ? pipeline : undefined,
    from: timeIn('from'),
    to: timeIn('to'),
  }
}

type Props = { readonly filters: RunFilters; readonly pipelines: readonly string[] }

/** Narrows the list of runs; the address says how, so that it can be kept. */
export const RunsFilters = ({ filters, pipelines }: Props) => {
  const narrow = (change: RunFilters) => go(addressWith('/runs', { ...filters, ...change }), { replace: true })
  const isNarrowed = Object.values(filters).some((value) => value !== undefined)
  const choice = (
    label: string,
    key: 'state' | 'trigger' | 'pipeline',
    options: readonly (readonly [string, string])[],
  ) => (
    <label>
      {label}{' '}
      <select value={filters[key] ?? ''} onChange={({ target }) => narrow({ [key]: target.value || undefined })}>
        <option value="">all</option>
        {options.map(([value, said]) => (
          <option key={value} value={value}>
            {said}
          </option>
        ))}
      </select>
    </label>
  )
  const moment = (label: string, key: 'from' | 'to') => (
    <label className="bar-moment">
      {label}{' '}
      <input
        type="datetime-local"
        value={filters[key] ?? ''}
        onChange={({ target }) => narrow({ [key]: target.value || undefined })}
      />
    </label>
  )
  return (
    <search className="bar">
      {choice(
        'State',
        'state',
        runStates.map((state) => [state, state.replaceAll('-', ' ')]),
      )}
      {choice('Because of', 'trigger', Object.entries(triggerWords))}
      {pipelines.length > 1 &&
        choice(
          'Pipeline',
          'pipeline',
          pipelines.map((one) => [one, one]),
        )}
      {moment('From', 'from')}
      {moment('To', 'to')}
      {isNarrowed && (
        <button type="button" className="quiet-button" onClick={() => go('/runs', { replace: true })}>
          Show all
        </button>
      )}
    </search>
  )
}
