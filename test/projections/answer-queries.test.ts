import { expect, test } from 'vitest'
import { memoryHub } from '#bus/memory'
import { everyItem } from '#bus/pages'
import { queryOf } from '#contracts/subjects'
import { answerQueries } from '#projections/answer-queries'
import { measured } from './metrics.ts'
import { leafGraph, rootGraph, teller, watching } from './story.ts'

const answering = async () => {
  const hub = memoryHub()
  const bus = hub.connect('web-root')
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  await story.wholeRun(0)
  const { viewer } = await watching(bus)
  const stop = new AbortController()
  const served = answerQueries(bus, viewer, ['root'], stop.signal)
  const asker = hub.connect('leaf')
  const ask = (view: string, body: object) => asker.request(queryOf(view, 'root', 'leaf'), body)
  const end = async () => {
    stop.abort()
    await served
  }
  return { bus, story, ask, end }
}

test('a run is asked by its number, and waits for a position', async () => {
  const { bus, ask, end } = await answering()
  const after = `${bus.logId}.${await bus.head()}`
  expect(await ask('run', { run: 0, after })).toMatchObject({ number: 0, state: 'succeeded', position: after })
  await expect(ask('run', { run: 7 })).rejects.toMatchObject({ code: 'query.nothing' })
  await end()
})

test('of a run its nodes are said, and what else belongs to it are lists', async () => {
  const { bus, ask, end } = await answering()
  const run = await ask('run', { run: 0, after: `${bus.logId}.${await bus.head()}` })
  expect(run).toMatchObject({ run: 'root/0', nodes: expect.arrayContaining([expect.anything()]) })
  for (const section of ['attempts', 'metrics', 'artifacts', 'params']) expect(run).not.toHaveProperty(section)
  await end()
})

test('metrics come page by page', async () => {
  const { bus, ask, end } = await answering()
  const after = `${bus.logId}.${await bus.head()}`
  expect(await ask('metrics', { limit: 5, after })).toMatchObject({ items: [{ key: 'loss' }], next: null })
  expect(await ask('metrics', { key: 'loss' })).toMatchObject({
    items: [{ run: 'root/0', key: 'loss', value: 1, step: 0 }],
  })
  expect(await ask('metrics', { run: 3 })).toMatchObject({ items: [], next: null })
  await end()
})

test('more metrics than one message holds are paged by whoever asks', async () => {
  const { bus, ask, end } = await answering()
  const after = await measured(bus, 5_000)
  expect(await everyItem((page) => ask('metrics', { key: 'k', after, ...page }))).toHaveLength(5_000)
  await end()
})

test('the graph says over the bus as well that a host is away', async () => {
  const { bus, story, ask, end } = await answering()
  await story.drop('a.txt')
  await story.plan()
  await story.start(1, 'root/retraining')
  const { nodes } = (await ask('graph', { after: `${bus.logId}.${await bus.head()}` })) as { nodes: object[] }
  const reason = 'waiting for host host-root, which is away'
  expect(nodes).toContainEqual(expect.objectContaining({ part: 'root/retraining', state: 'host away', reason }))
  await end()
})

test('lists and graphs are answered as over HTTP', async () => {
  const { bus, ask, end } = await answering()
  const after = `${bus.logId}.${await bus.head()}`
  expect(await ask('runs', { after })).toMatchObject({ items: [{ run: 'root/0' }], next: null, position: after })
  expect(await ask('artifacts', { state: 'offered' })).toMatchObject({ items: [] })
  expect(await ask('used-by', { path: 'haiku0.txt' })).toMatchObject({ from: [expect.any(String)] })
  await expect(ask('runs', { number: 1 })).rejects.toMatchObject({ code: 'query.broken' })
  await end()
})
