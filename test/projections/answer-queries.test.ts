import { expect, test } from 'vitest'
import { memoryHub } from '#bus/memory'
import { queryOf } from '#contracts/subjects'
import { answerQueries } from '#projections/answer-queries'
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
  return { bus, ask, end }
}

test('a run is asked by its number, and waits for a position', async () => {
  const { bus, ask, end } = await answering()
  const after = `${bus.logId}.${await bus.head()}`
  expect(await ask('run', { run: 0, after })).toMatchObject({ number: 0, state: 'succeeded', position: after })
  await expect(ask('run', { run: 7 })).rejects.toMatchObject({ code: 'query.nothing' })
  await end()
})

test('metrics come whole as an array, or page by page', async () => {
  const { bus, ask, end } = await answering()
  const after = `${bus.logId}.${await bus.head()}`
  expect(await ask('metrics', { key: 'loss', after })).toMatchObject([
    { run: 'root/0', key: 'loss', value: 1, step: 0 },
  ])
  expect(await ask('metrics', { run: 3 })).toEqual([])
  expect(await ask('metrics', { limit: 5 })).toMatchObject({ items: [{ key: 'loss' }], next: null })
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
