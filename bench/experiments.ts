import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { applier } from '#projections/apply'
import { openDatabase } from '#projections/database'
import { metadata } from '#projections/metadata'
import { openReader } from '#projections/reader'
import { type ViewName, views } from '#projections/views'
import { logOf } from './experiment-log.ts'
import { longest, pagesOverHttp } from './experiment-pages.ts'
import { inFolder } from './ground.ts'
import { percentile } from './measure.ts'
import type { Bench } from './report.ts'

/** How fast experiments are folded, and pages of their lists, filtered in every way, now and at an earlier place: by the reader, and over HTTP. */
export const experiments: Bench = ({ short, say }) =>
  inFolder(async (folder) => {
    const file = join(folder, 'metadata.db')
    const count = short ? 100 : 1_000
    const log = logOf(count)
    const db = openDatabase(file, metadata, 'log')
    const folding = applier(db, metadata)
    const began = performance.now()
    const applied = folding.apply({ events: log, upTo: log.length, dropped: 0, pending: 0 })
    const took = performance.now() - began
    if (applied.halt || applied.events.length < log.length)
      throw new Error(`Not all was folded: ${applied.halt?.reason}`)
    db.close()
    const reader = openReader(file, metadata)
    const asked: readonly (readonly [ViewName, Readonly<Record<string, unknown>>])[] = [
      ['experiments', {}],
      ['experiments', { sort: 'changed' }],
      ['experiments', { order: 'asc' }],
      ['experiments', { project: 'p3' }],
      ['experiments', { site: 'site7' }],
      ['experiments', { mode: 'Development', status: 'deploying' }],
      ['experiments', { subState: 'built' }],
      ['experiments', { waitsFor: 'operator' }],
      ['experiments', { creator: 'nobody' }],
      ['experiments', { text: 'experiment 77' }],
      ['experiments', { text: 'found nowhere', sort: 'changed' }],
      ['inbox', {}],
      ['experiment-history', { experiment: 'p1-000001' }],
      ['experiment-steps', { experiment: 'p1-000001' }],
      ['experiment', { experiment: 'p1-000001' }],
      ['sites', {}],
      ['end-nodes', {}],
    ]
    const times: number[] = []
    let slowest = { what: '', took: 0 }
    for (const [name, params] of asked)
      for (const who of ['olga', 'carol'])
        for (const at of [undefined, log.length >> 1]) {
          let cursor: string | null | undefined
          for (let page = 0; page < 5 && cursor !== null; page++) {
            const start = performance.now()
            const said = { ...params, ...(cursor !== undefined && { cursor }) }
            const seen = { at, logId: 'log', who } as never
            const { next = null } = reader.read((one) => views[name].read(one, said, seen)) as { next?: string | null }
            const spent = performance.now() - start
            cursor = next
            times.push(spent)
            if (spent > slowest.took) slowest = { what: `${name} ${JSON.stringify(params)} ${at ?? ''}`, took: spent }
          }
        }
    reader.close()
    say(`  slowest: ${slowest.what}`)
    const ways = (await pagesOverHttp(count)).toSorted((one, other) => other.median - one.median)
    const [longer, usual] = [true, false].map((is) => ways.find(({ path }) => (path === longest) === is))
    say(`  slowest over HTTP: ${usual?.path} for ${usual?.who}`)
    return [
      { what: 'events of experiments folded', unit: '/s', figure: (log.length / took) * 1_000 },
      { what: `a page of ${count} experiments, p50`, unit: 'ms', figure: percentile(times, 0.5) },
      { what: `a page of ${count} experiments, slowest`, unit: 'ms', figure: slowest.took, aim: { atMost: 50 } },
      {
        what: `a page of ${count} experiments over HTTP, slowest way`,
        unit: 'ms',
        figure: usual?.median ?? Number.NaN,
        bar: { atMost: 50 },
      },
      { what: `all ${count} experiments in one page over HTTP`, unit: 'ms', figure: longer?.median ?? Number.NaN },
    ]
  })
