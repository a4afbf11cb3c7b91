import Database from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { expect, test } from 'vitest'
import { memoryBus } from '#bus/memory'
import type { Page, View } from '#projections/view'
import { paramsOf, viewerOf } from '#projections/viewer'
import { type ViewName, views } from '#projections/views'
import { measured } from './metrics.ts'
import { teller, watching } from './story.ts'
import { told } from './told.ts'

test('lists are paged by cursor, without a gap and without a row twice', async () => {
  const { one } = await told(5)
  const numbers: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = (await one('runs', { limit: '2', ...(cursor && { cursor }) })) as Page
    numbers.push(...page.items.map(({ number }) => number))
    cursor = page.next
  }
  expect(numbers).toEqual([4, 3, 2, 1, 0])
  await expect(one('runs', { cursor: 'bm90aGluZw' })).rejects.toMatchObject({ code: 'query.bad-cursor' })
  const { next } = (await one('artifacts', { limit: 1 })) as Page
  await expect(one('runs', { cursor: next })).rejects.toMatchObject({ code: 'query.bad-cursor' })
})

test('lists are narrowed by run, node, path, key and time', async () => {
  const { list } = await told(3)
  expect(await list('metrics', { run: '1', pipeline: 'root' })).toMatchObject([{ run: 'root/1', value: 0.5 }])
  expect(await list('metrics', { key: 'loss' })).toHaveLength(3)
  expect(await list('metrics', { key: 'loss', from: '2999-01-01T00:00:00Z' })).toEqual([])
  expect(await list('artifacts', { path: 'model*' })).toHaveLength(6)
  expect(await list('artifacts', { path: 'model*', node: 'root/models' })).toHaveLength(3)
  expect(await list('attempts', { node: 'evaluation', run: 2 })).toHaveLength(1)
  expect(await list('nodes', { node: 'retrain_ng' })).toEqual([])
})

test('looks back to a time as well as to a position', async () => {
  const { list } = await told()
  expect(await list('runs', { at: '2000-01-01T00:00:00Z' })).toEqual([])
  expect(await list('runs', { at: new Date(Date.now() + 60_000).toISOString() })).toHaveLength(1)
})

test('a filter that is unknown or wrong is named', async () => {
  const { one } = await told()
  await expect(one('runs', { stat: 'failed' })).rejects.toMatchObject({ code: 'query.broken', message: /stat/ })
  await expect(one('runs', { state: 'sleeping' })).rejects.toMatchObject({ code: 'query.broken', message: /state: / })
  await expect(one('runs', { at: 'yesterday' })).rejects.toMatchObject({ code: 'query.broken', message: /^runs.*at: / })
  await expect(one('runs', { at: 'other.3' })).rejects.toMatchObject({ code: 'query.other-log' })
})

test.each([
  ['metrics', {}],
  ['attempts', { node: 'leaf/evaluation' }],
  ['nodes', { pipeline: 'root' }],
  ['artifacts', {}],
  ['history', {}],
  ['history', { node: 'root/models' }],
  ['history', { node: 'models_rpc' }],
] as const)('%s %j are listed either way, page by page, without a gap and without a row twice', async (view, said) => {
  const { one, list } = await told(4)
  const paged = async (order: 'asc' | 'desc') => {
    const rows: unknown[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = (await one(view, { ...said, limit: 3, ...(cursor ? { cursor } : { order }) })) as Page
      rows.push(...page.items)
      cursor = page.next
    }
    return rows
  }
  const forth = await paged('asc')
  expect(forth.length).toBeGreaterThan(3)
  expect(forth).toEqual(await list(view, { ...said, order: 'asc', limit: 1000 }))
  expect(await paged('desc')).toEqual(forth.toReversed())
})

test('a pattern of paths leaves the same rows whichever way they are found', async () => {
  const { list, path } = await told(3)
  const db = new Database(path)
  const add = db.prepare(
    "insert into artifacts (store, path, digest, state, at, since) values ('root/many', ?, 'd', 'fresh', 0, 1)",
  )
  const odd = ['[a]*.txt', '[b]x.txt', 'é', 'é\u{10ffff}', 'éa', 'f', 'a?b']
  db.transaction(() => {
    for (const name of odd) add.run(name)
    for (let n = 0; n < 6_000; n++) add.run(`many/${n}`)
  })()
  db.close()
  const found = async (pattern: string) =>
    (await list('artifacts', { path: pattern, limit: 1_000 })).map((row) => (row as { path: string }).path)
  expect(await found('é*')).toEqual(['é', 'éa', 'é\u{10ffff}'])
  expect(await found('[*')).toEqual(['[a]*.txt', '[b]x.txt'])
  expect(await found('[a*txt')).toEqual(['[a]*.txt'])
  expect(await found('a?*')).toEqual(['a?b'])
  expect(await found('*?b')).toEqual(['a?b'])
  expect(await found('many/59*9')).toHaveLength(11)
  expect(await found('many/*')).toHaveLength(1_000)
})

test('a cursor goes on the way that its list went, and no other', async () => {
  const { one } = await told(2)
  const { next: cursor } = (await one('metrics', { order: 'desc', limit: 1 })) as Page
  expect(((await one('metrics', { order: 'desc', cursor })) as Page).items).toMatchObject([{ run: 'root/0' }])
  await expect(one('metrics', { order: 'asc', cursor })).rejects.toMatchObject({ code: 'query.bad-cursor' })
})

test('a page holds half a megabyte at most', async () => {
  const bus = memoryBus()
  const { fact } = teller(bus)
  for (let i = 0; i < 9; i++)
    await fact('tracking.param-logged', 'root', 'script', { key: `p${i}`, value: 'x'.repeat(200_000) })
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const keys: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = (await viewer.ask('params', { limit: 1000, ...(cursor && { cursor }) })).value as Page
    expect(JSON.stringify(page).length).toBeLessThan(501_000)
    keys.push(...page.items.map(({ key }) => key))
    cursor = page.next
  }
  expect(keys).toEqual(Array.from({ length: 9 }, (_, i) => `p${i}`))
})

test('a run is found by its number wherever it left something: it is of the pipeline that keeps its metadata', async () => {
  const { list } = await told(2)
  const found = await list('history', { pipeline: 'root', run: 1 })
  expect(found.length).toBeGreaterThan(0)
  expect(await list('history', { pipeline: 'root', run: 'root/1' })).toEqual(found)
  expect(await list('artifacts', { pipeline: 'leaf', run: 1 })).toMatchObject([{ store: 'leaf/models_rpc' }])
  expect(await list('artifacts', { pipeline: 'leaf', run: 'root/1' })).toHaveLength(1)
})

test.each([null, ' ', '', '1e0', '-1', '0x1', 1.5, true])('%j is no number', async (number) => {
  const { one } = await told()
  await expect(one('run', { pipeline: 'root', run: number })).rejects.toMatchObject({ code: 'query.broken' })
  await expect(one('runs', { limit: number })).rejects.toMatchObject({ code: 'query.broken' })
  await expect(one('runs', { run: number })).rejects.toMatchObject({ code: 'query.broken' })
})

test('a position that is yet to come is waited for, and only so long', async () => {
  const bus = memoryBus()
  const { viewer, follower } = await watching(bus)
  const asked = viewer.ask('metrics', { at: `${bus.logId}.2` })
  await measured(bus, 3)
  expect(((await asked).value as Page).items).toHaveLength(2)
  const soon = viewerOf(bus, { ...follower, waitFor: (position) => follower.waitFor(position, 10) })
  await expect(soon.ask('metrics', { at: `${bus.logId}.99` })).rejects.toMatchObject({ code: 'projection.behind' })
  soon.close()
})

test.each([
  ['runs', { pipeline: 'root' }, 'runs_pipeline'],
  ['runs', { pipeline: 'root', run: '3' }, 'runs_now'],
  ['attempts', { node: 'root/a' }, 'attempts_part'],
  ['attempts', { node: 'root/a', run: 'root/3' }, 'attempts_now'],
  ['history', { path: 'a' }, 'history_path'],
  ['history', { node: 'leaf/m' }, 'history_peer'],
  ['metrics', { pipeline: 'root' }, 'metrics_pipeline'],
  ['metrics', { pipeline: 'root', run: '3', node: 'root/a' }, 'metrics_run'],
  ['metrics', { pipeline: 'root', node: 'root/a' }, 'metrics_part'],
  ['params', { pipeline: 'root' }, 'params_pipeline'],
  ['tags', { pipeline: 'root' }, 'tags_pipeline'],
  ['artifacts', { sort: 'time' }, 'artifacts_newest'],
  ['artifacts', { path: 'model1*.txt' }, 'artifacts_path'],
  ['artifacts', { digest: 'a'.repeat(64) }, 'artifacts_digest'],
  ['artifacts', { run: 'root/3' }, 'artifacts_run'],
  ['artifact-tags', { path: 'm*' }, 'artifact_tags_place'],
  ['artifacts', { sort: 'time', node: 'root/models' }, 'artifacts_newest_in'],
] as const)('%s %j are found by the index %s', async (name, said, index) => {
  const { path } = await watching(memoryBus())
  expect(await plansOf(path, name, said)).toMatch(index)
})

test('newest runs of a pipeline are not sorted', async () => {
  const { path } = await watching(memoryBus())
  expect(await plansOf(path, 'runs', { pipeline: 'root' })).not.toMatch('TEMP B-TREE')
})

/** How SQLite goes about what a list asks. */
const plansOf = async (path: string, name: ViewName, said: object): Promise<string> => {
  const raw = new Database(path, { readonly: true })
  const plans: string[] = []
  const explain = (query: string, values: unknown[]) =>
    plans.push(JSON.stringify(raw.prepare(`explain query plan ${query}`).all(...values)))
  const view: View = views[name]
  const now = { position: 'log.0', sequence: 0, pending: 0, dropped: 0, state: 'following' } as const
  const seen = { at: undefined, logId: 'log', sequence: 0, progress: now }
  view.read(drizzle(raw, { logger: { logQuery: explain } }), paramsOf(view).parse(said), seen)
  raw.close()
  return plans.join()
}
