import { onTestFinished } from 'vitest'
import { appOf } from '#http/app'
import { loopback } from '#http/guard'
import type { Viewer } from '#projections/viewer'
import { readsMetadata } from '../projections/metadata-suite.ts'

/** Where each view is read over HTTP: what the address names is left out of the query. */
const addressOf = (view: string, said: Readonly<Record<string, unknown>>): string => {
  const { run, pipeline = 'root', ...rest } = said
  const query = (given: object) =>
    new URLSearchParams(Object.entries(given).map(([key, value]): [string, string] => [key, String(value)]))
  if (view === 'run' || view === 'spans')
    return `/api/runs/${pipeline}/${run}${view === 'spans' ? '/spans' : ''}?${query(rest)}`
  return `/api/${view === 'history' ? 'artifacts/history' : view}?${query(said)}`
}

readsMetadata('over HTTP', async (reader, bus) => {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const viewer = reader as Viewer
  const app = appOf({ bus, viewer, graphs: [], user: 'ada', names: loopback, signal: stop.signal })
  return async (view, said) => {
    const response = await app.request(addressOf(view, (said ?? {}) as Readonly<Record<string, unknown>>))
    const value = (await response.json()) as { readonly code?: string; readonly detail?: string }
    if (!response.ok) throw Object.assign(new Error(value.detail), { code: value.code })
    return { value, position: response.headers.get('Millrace-Position') ?? '' }
  }
})
