import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { memoryBus } from '#bus/memory'
import type { Page } from '#projections/view'
import { readsMetadata } from './metadata-suite.ts'
import { leafGraph, rootGraph, teller, watching } from './story.ts'
import { told } from './told.ts'

readsMetadata('the projection', async (reader) => reader.ask)

test('a node that nobody has defined waits for its pipeline until somebody does', async () => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.drop('a.txt')
  await story.plan([rootGraph])
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const about = async () => ((await viewer.ask('nodes', { node: 'leaf/evaluation' })).value as Page).items[0]
  expect(await about()).toMatchObject({
    kind: 'unknown',
    state: 'waiting',
    reason: expect.stringMatching('its pipeline'),
  })
  await story.define(leafGraph)
  for (const part of ['leaf/evaluation', 'leaf/plotting'])
    await story.ask('run.know-node', 'root', '0', { part, kind: 'action' })
  await caughtUp()
  expect(await about()).toMatchObject({ kind: 'action', state: 'waiting', reason: 'waiting for root/retraining' })
  await story.start(0, 'root/retraining')
  await story.report(0, 'root/retraining')
  await caughtUp()
  expect(await about()).toMatchObject({ state: 'queued', reason: null })
})

test.each([
  ['run.resume', 'run.let-go', 'root is paused: for ever; is paused: too'],
  ['run.let-go', 'run.resume', 'a; root is paused: really'],
])('a run that two hold back is let go by %s, and goes on with %s', async (first, second, left) => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.plan([rootGraph])
  const { viewer, caughtUp } = await watching(bus)
  const about = async () => {
    await caughtUp()
    return (await viewer.ask('run', { pipeline: 'root', run: 0 })).value
  }
  await story.ask('run.pause', 'root', '0', { reason: 'a; root is paused: really' })
  await story.ask('run.hold', 'root', '0', { reason: 'for ever; is paused: too' })
  expect(await about()).toMatchObject({ state: 'paused', heldBy: [{ by: 'request' }, { by: 'pipeline' }] })
  await story.ask(first, 'root', '0', {})
  const node = expect.objectContaining({ part: 'root/retraining', state: 'paused', reason: left })
  expect(await about()).toMatchObject({
    ...{ state: 'paused', reason: left, heldBy: [{ reason: left }] },
    nodes: expect.arrayContaining([node]),
  })
  await story.ask(second, 'root', '0', {})
  expect(await about()).toMatchObject({ state: 'running', reason: null, heldBy: null })
})

test('a walk that is too long says that there is more', async () => {
  const { one, path } = await told()
  expect(await one('why', { path: 'model0.txt' })).not.toHaveProperty('truncated')
  const db = new Database(path)
  const last = db.prepare<[], { source: string }>("select source from edges where kind = 'used'").get()?.source
  const add = db.prepare("insert into edges (sequence, source, target, kind) values (1, ?, ?, 'used')")
  db.transaction(() => {
    for (let i = 0; i <= 10_000; i++) add.run(`artifact:${i}:root/haikus:many-${i}.txt`, last)
  })()
  db.close()
  expect(await one('why', { path: 'model0.txt' })).toMatchObject({ truncated: true })
})

test('a run that logged more than a message holds says what there is more of, and its nodes are there all the same', async () => {
  const { bus, story, viewer, caughtUp } = await told()
  for (let step = 0; step < 1_001; step++)
    await story.fact('tracking.metric-logged', 'root', `script-${step % 7}`, {
      key: 'loss',
      value: 1,
      step,
      run: 'root/0',
    })
  await caughtUp()
  const read = async (params: object) => (await viewer.ask('run', { pipeline: 'root', run: 0, ...params })).value
  const whole = (await read({})) as { metrics: { step: number }[]; more?: string[]; nodes: unknown[] }
  expect(whole.metrics).toHaveLength(1_000)
  expect(whole.metrics[0]?.step).toBe(0)
  expect(whole.more).toEqual(['metrics'])
  expect(whole.nodes.length).toBeGreaterThan(3)
  expect(await read({ at: `${bus.logId}.9` })).not.toHaveProperty('more')
})

test('what a run notes about another pipeline is listed with that, by whom, and changes nothing of the run', async () => {
  const { story, list, one, caughtUp } = await told()
  const noted = (events: readonly unknown[] = []) => events as readonly Readonly<Record<string, unknown>>[]
  await story.drop('another.txt')
  await story.plan()
  const about = { pipeline: 'promoter', by: story.by(1, 'root/retraining') }
  await story.fact('tracking.metric-logged', 'root', 'retraining', { key: 'accuracy', value: 0.9, ...about })
  await story.fact('tracking.param-logged', 'root', 'retraining', { key: 'rate', value: 1, ...about })
  await story.fact('tracking.tagged', 'root', 'retraining', { key: 'kind', value: 'test', ...about })
  await caughtUp()
  const whose = { pipeline: 'promoter', run: null, part: 'root/retraining', attempt: 1 }
  for (const view of ['metrics', 'params', 'tags'] as const) {
    expect(await list(view, { pipeline: 'promoter' })).toMatchObject([whose])
    expect(await list(view, { node: 'retraining' })).toMatchObject([whose])
    expect(await list(view, { run: 'root/1' })).toEqual([])
    expect(noted(await list(view, { pipeline: 'root' })).filter(({ part }) => part === whose.part)).toEqual([])
  }
  expect(await one('run', { pipeline: 'root', run: 1 })).toMatchObject({ metrics: [], params: [], tags: [] })
})
