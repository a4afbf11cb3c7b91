import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { artifacts, edges, history } from '#projections/artifact-tables'
import { openForBuilding } from '#projections/database'
import { keyOf } from '#projections/lineage'
import { metadata } from '#projections/metadata'
import { openReader } from '#projections/reader'
import { rowsOf } from '#projections/rows'
import { attempts, nodes, runs } from '#projections/run-tables'
import { metrics } from '#projections/tracking-tables'
import { type ViewName, views } from '#projections/views'
import { inFolder } from './ground.ts'
import { percentile } from './measure.ts'
import type { Bench } from './report.ts'

const digestOf = (number: number): string => number.toString(16).padStart(64, '0')
const about = { pipeline: 'p', principal: 'bench', at: 1_700_000_000_000 }

/** Runs of ten nodes, each of which takes files, gives a model and logs numbers; each model is taken by the next run. */
const fill = (file: string, count: number): void => {
  const db = openForBuilding(file, metadata, 'log')
  const rows = rowsOf(db)
  let sequence = 0
  const began = { startedAt: about.at, endedAt: about.at + 5 }
  const add = db.transaction((from: number, to: number) => {
    for (let number = from; number < to; number++) {
      const run = `p/${number}`
      const since = ++sequence
      const said = { pipeline: 'p', number, trigger: 'files', message: 'a file', graph: digestOf(1), correlation: run }
      rows.put(runs, { run }, { ...said, state: 'succeeded', hash: digestOf(number), ...began, began: since }, since)
      for (let node = 0; node < 10; node++) {
        const part = `p/node${node}`
        const stands = { pipeline: 'p', kind: 'action', after: [], state: 'succeeded', attempt: 1, host: 'h' } as const
        rows.put(nodes, { run, part }, { ...stands, ...began, began: since }, ++sequence)
        const execution = { run, part, attempt: 1, delivery: 1, instance: 'i' }
        const ended = { pipeline: 'p', host: 'h', outcome: 'succeeded', ...began } as const
        rows.put(attempts, execution, { ...ended, began: ++sequence }, sequence)
        rows.add(metrics, {
          ...about,
          sequence: ++sequence,
          key: `loss${node}`,
          run,
          part,
          attempt: 1,
          value: 1,
          step: 1,
        })
      }
      const execution = keyOf({ kind: 'execution', run, part: 'p/node0' })
      const by = { run, part: 'p/node0', attempt: 1 }
      const take = (store: string, path: string, digest: string): void => {
        rows.add(edges, {
          sequence: ++sequence,
          source: keyOf({ kind: 'artifact', store, path, digest }),
          target: execution,
          kind: 'used',
          ...by,
        })
      }
      for (let at = 0; at < 9; at++) {
        const place = { store: 'p/in', path: `file${number}-${at}.txt` }
        const digest = digestOf(10 * number + at)
        rows.put(artifacts, place, { digest, size: 1, state: 'used', run, at: about.at }, ++sequence)
        rows.add(history, {
          ...place,
          sequence,
          what: 'used',
          digest,
          size: 1,
          principal: 'bench',
          at: about.at,
          ...by,
        })
        take(place.store, place.path, digest)
      }
      if (number > 0) take('p/models', `model${number - 1}.txt`, digestOf(1e9 + number - 1))
      const model = { store: 'p/models', path: `model${number}.txt`, digest: digestOf(1e9 + number) }
      rows.add(history, {
        ...model,
        sequence: ++sequence,
        what: 'produced',
        size: 1,
        principal: 'bench',
        at: about.at,
        ...by,
      })
      rows.add(edges, {
        sequence,
        source: execution,
        target: keyOf({ kind: 'artifact', ...model }),
        kind: 'produced',
        ...by,
      })
    }
  })
  for (let from = 0; from < count; from += 1000) add(from, Math.min(count, from + 1000))
  db.prepare('update checkpoint set sequence = ?').run(sequence)
  db.close()
}

/** Pages of lists with a million rows, and why something exists behind a hundred thousand edges. */
export const reads: Bench = ({ short, say }) =>
  inFolder(async (folder) => {
    const file = join(folder, 'metadata.db')
    const count = short ? 1_000 : 100_000
    say(`  filling ${count} runs …`)
    fill(file, count)
    const reader = openReader(file, metadata)
    const asked: readonly (readonly [ViewName, Readonly<Record<string, unknown>>])[] = [
      ['runs', { pipeline: 'p' }],
      ['runs', { pipeline: 'p', state: 'failed' }],
      ['nodes', { pipeline: 'p' }],
      ['nodes', { node: 'p/node3', order: 'asc' }],
      ['nodes', { pipeline: 'p', run: `p/${count / 2}` }],
      ['nodes', { node: 'p/node3', state: 'failed' }],
      ['attempts', { node: 'p/node3' }],
      ['metrics', { pipeline: 'p' }],
      ['metrics', { key: 'loss3' }],
      ['metrics', { run: `p/${count / 2}` }],
      ['artifacts', { node: 'p/in' }],
      ['artifacts', { node: 'p/in', sort: 'time' }],
      ['artifacts', { sort: 'time' }],
      ['artifacts', { path: `file${count / 2}-*` }],
      ['artifacts', { path: 'file*' }],
      ['artifacts', { digest: digestOf(5 * count) }],
      ['artifacts', { run: `p/${count / 2}` }],
      ['history', { order: 'desc' }],
      ['history', { node: 'p/in', what: 'used' }],
      ['history', { run: `p/${count / 2}` }],
    ]
    const times: number[] = []
    let slowest = { what: '', took: 0 }
    const pageOf = (name: ViewName, params: Readonly<Record<string, unknown>>, at: number | undefined) =>
      reader.read((db, place) => views[name].read(db, params, { ...place, at, logId: 'log' } as never)) as {
        readonly next: string | null
      }
    for (const [name, params] of asked)
      for (const at of [undefined, count * 20]) {
        pageOf(name, params, at) // The first one prepares what it asks.
        let cursor: string | null | undefined
        for (let page = 0; page < 5 && cursor !== null; page++) {
          const began = performance.now()
          const { next } = pageOf(name, { ...params, ...(cursor !== undefined && { cursor }) }, at)
          const took = performance.now() - began
          cursor = next
          times.push(took)
          if (took > slowest.took)
            slowest = {
              what: `${name} ${JSON.stringify(params)}${at === undefined ? '' : ' at an earlier place'}`,
              took,
            }
        }
      }
    say(`  slowest: ${slowest.what}`)
    const walks: number[] = []
    const model = { store: 'p/models', path: `model${short ? 900 : 10_000}.txt` }
    for (let round = 0; round < 11; round++) {
      const began = performance.now()
      reader.read((db, place) => views.why.read(db, model, { ...place, at: undefined, logId: 'log' } as never))
      if (round > 0) walks.push(performance.now() - began)
    }
    reader.close()
    return [
      { what: `a page of a list, ${count * 10} rows, p50`, unit: 'ms', figure: percentile(times, 0.5) },
      { what: `a page of a list, ${count * 10} rows, slowest`, unit: 'ms', figure: slowest.took, aim: { atMost: 50 } },
      {
        what: `why, ${count > 10_000 ? '100000' : '9000'} edges behind it`,
        unit: 'ms',
        figure: percentile(walks, 0.5),
        aim: { atMost: 100 },
      },
    ]
  })
