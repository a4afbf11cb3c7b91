import { expect, test } from 'vitest'
import { memoryBus } from '#bus/memory'
import type { Graph } from '#contracts/pipeline'
import { ownSequence } from '#projections/progress'
import type { Page } from '#projections/view'
import { teller, watching } from './story.ts'
import { told } from './told.ts'

type Nodes = { readonly nodes: readonly { readonly part: string }[] }
const partsIn = (value: unknown) => (value as Nodes).nodes.map(({ part }) => part)

test('a run lists its nodes in the order of the graph, each behind those before it, clients last', async () => {
  const { one } = await told()
  const graph = partsIn(await one('graph'))
  expect(graph).toEqual([
    ...['root/metadata_store', 'root/haikus', 'root/models', 'root/retraining'],
    ...['leaf/evaluation', 'leaf/plotting', 'leaf/models_rpc'],
  ])
  const run = partsIn(await one('run', { pipeline: 'root', run: 0 }))
  expect(run).toEqual(graph.filter((part) => run.includes(part)))
  expect(run).toHaveLength(6)
})

test('nodes are in the order of their definition where no edge says otherwise', async () => {
  const bus = memoryBus()
  const action = (name: string, ...after: string[]) => ({ name, kind: 'action' as const, after, next: [] })
  const graph: Graph = {
    pipeline: 'p',
    nodes: [action('z'), action('b', 'p/c', 'other/gone'), action('c', 'p/z'), action('a')],
  }
  await teller(bus).define(graph)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  expect(partsIn((await viewer.ask('graph', {})).value)).toEqual(['p/z', 'p/c', 'other/gone', 'p/b', 'p/a'])
})

test('artifacts come newest first where they are sorted by time, page by page', async () => {
  const { list, one } = await told(4)
  const all = await list('artifacts', { sort: 'time', limit: 1000 })
  expect(all[0]).toMatchObject({ path: 'plot3.txt' })
  const since = all.map((row) => Number(String(row.since).split('.').at(-1)))
  expect(since).toEqual(since.toSorted((a, b) => b - a))
  const paged: unknown[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = (await one('artifacts', { sort: 'time', limit: 3, ...(cursor && { cursor }) })) as Page
    paged.push(...page.items)
    cursor = page.next
  }
  expect(paged).toEqual(all)
  const { next } = (await one('artifacts', { sort: 'time', limit: 1 })) as Page
  await expect(one('artifacts', { cursor: next })).rejects.toMatchObject({ code: 'query.bad-cursor' })
  await expect(one('runs', { sort: 'time' })).rejects.toMatchObject({ code: 'query.broken' })
})

test('a position is one of this log only where both its halves say so', () => {
  expect(ownSequence('log.12', 'log')).toBe(12)
  for (const text of ['other.12', 'log.12x', 'log.', 'log', '', 'log.1.2', 'log.-1', `log.${'9'.repeat(20)}`])
    expect([text, ownSequence(text, 'log')]).toEqual([text, undefined])
})
