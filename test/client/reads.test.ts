import { expect, test } from 'vitest'
import { openLineageOf } from '#client/open-lineage'
import { digestFor } from '../projections/story.ts'
import { siteOf } from './site.ts'

test('what is logged is read back at its position, also what JSON has no number for', async () => {
  const { client } = await siteOf()
  await client.metrics.log('drift', 0.5, { pipeline: 'root' })
  await client.metrics.log('drift', Number.NaN, { run: 0, step: 3 })
  await expect(client.metrics.log('drift', 1, { run: 999 })).rejects.toMatchObject({ code: 'query.nothing' })
  const after = await client.metrics.log('drift', Number.POSITIVE_INFINITY)
  const { items } = await client.metrics.list({ key: 'drift', after })
  expect(items.map(({ value, run, step }) => [value, run, step])).toEqual([
    [0.5, null, null],
    ['NaN', 'root/0', 3],
    ['Infinity', null, null],
  ])
  const noted = await client.params.log('rate', { start: 0.1 }, { run: 'root/0' })
  expect((await client.params.list({ run: 0, after: noted })).items).toMatchObject([{ value: { start: 0.1 } }])
  const tagged = await client.tags.log('reviewed', 'yes', { run: 0 })
  expect((await client.tags.list({ after: tagged })).items).toMatchObject([{ run: 'root/0', value: 'yes' }])
  expect((await client.metrics.list({ run: 0, node: 'evaluation' })).items).toMatchObject([{ key: 'loss' }])
})

test('nothing is logged about a pipeline that nobody has defined; its host may be away', async () => {
  const { client, bus } = await siteOf()
  await client.metrics.log('drift', 0.5, { pipeline: 'leaf' })
  const before = await bus.head()
  for (const logging of [
    () => client.metrics.log('drift', 0.5, { pipeline: 'nope' }),
    () => client.params.log('rate', 1, { pipeline: 'nope' }),
    () => client.tags.log('kind', 'test', { pipeline: 'nope' }),
  ])
    await expect(logging()).rejects.toMatchObject({
      code: 'query.nothing',
      message: 'Nobody has defined a pipeline nope; known are leaf, root',
    })
  expect(await bus.head()).toBe(before)
})

test('a list that is filtered by a run, a node or a store that there is not says so; one that is empty is empty', async () => {
  const { client } = await siteOf()
  const { metrics, params, tags, artifacts } = client
  for (const asking of [
    () => metrics.list({ run: 99 }),
    () => params.list({ run: 'root/99' }),
    () => tags.list({ run: 99, node: 'evaluation' }),
    () => artifacts.history({ run: 'root/99' }),
    () => artifacts.list({ run: 'root/99' }),
  ])
    await expect(asking()).rejects.toMatchObject({ code: 'query.nothing', message: 'There is no run root/99' })
  await expect(artifacts.list({ run: '99' })).rejects.toThrow('There is no run root/99')
  await expect(metrics.list({ node: 'evaluaton' })).rejects.toMatchObject({
    code: 'query.nothing',
    message: "There is no node evaluaton; did you mean 'evaluation'?",
  })
  await expect(artifacts.history({ store: 'modls' })).rejects.toThrow("There is no node modls; did you mean 'models'?")
  await expect(artifacts.tags({ store: 'modls' })).rejects.toMatchObject({ code: 'store.unknown' })
  await expect(artifacts.list({ store: 'root/modls' })).rejects.toMatchObject({ code: 'store.unknown' })
  for (const asking of [
    metrics.list({ run: 0, node: 'leaf/plotting' }),
    artifacts.list({ store: 'leaf/models_rpc', path: 'nothing' }),
    artifacts.history({ store: 'evaluation', path: 'nothing' }),
  ])
    expect((await asking).items).toEqual([])
})

test('artifacts are listed with their history and their tags', async () => {
  const { client } = await siteOf()
  expect((await client.artifacts.list({ store: 'models', path: 'model*' })).items).toMatchObject([
    { store: 'root/models', path: 'model0.txt', state: 'downloaded' },
  ])
  const { items } = await client.artifacts.history({ path: 'model0.txt', metadata: 'root' })
  expect(items.map(({ what }) => what)).toEqual(['produced', 'tagged', 'downloaded'])
  expect((await client.artifacts.tags({ key: 'model_type' })).items).toMatchObject([{ value: 'LLM' }])
})

test('why bytes exist is told by their place or by their digest, and so is what came of them', async () => {
  const { client } = await siteOf()
  const why = await client.artifacts.why({ store: 'models', path: 'model0.txt' })
  expect(why.things).toContainEqual(expect.objectContaining({ kind: 'artifact', path: 'haiku0.txt' }))
  expect((await client.artifacts.why({ digest: digestFor('model0') })).things).toEqual(
    expect.arrayContaining([...why.things]),
  )
  const used = await client.artifacts.usedBy({ store: 'root/haikus', path: 'haiku0.txt' })
  expect(used.things).toContainEqual(expect.objectContaining({ kind: 'execution', part: 'leaf/evaluation' }))
  await expect(client.artifacts.why({ store: 'modls', path: 'x' })).rejects.toThrow("did you mean 'models'?")
})

test('lineage is told as OpenLineage has it, each execution under an id that never changes', async () => {
  const { client } = await siteOf()
  const events = await openLineageOf(client, await client.artifacts.why({ store: 'models', path: 'model0.txt' }))
  expect(events).toEqual([
    {
      eventType: 'COMPLETE',
      eventTime: expect.stringMatching(/^\d{4}-.*Z$/),
      run: { runId: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/) },
      job: { namespace: 'millrace://root', name: 'retraining' },
      inputs: [expect.objectContaining({ namespace: 'millrace://root', name: 'haikus/haiku0.txt' })],
      outputs: [expect.objectContaining({ name: 'models/model0.txt' })],
      producer: 'urn:millrace:lineage',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    },
  ])
  const again = await openLineageOf(client, await client.artifacts.usedBy({ store: 'haikus', path: 'haiku0.txt' }))
  expect(again.map(({ job }) => job.name)).toEqual(['retraining', 'evaluation'])
  expect(again[0]?.run).toEqual(events[0]?.run)
})

test('pipelines are listed, held back and let go, and their graph says so', async () => {
  const { client } = await siteOf()
  expect(await client.pipelines.list()).toMatchObject([
    { pipeline: 'leaf', runs: false, state: 'going', nodes: ['models_rpc', 'evaluation', 'plotting'], hosts: [] },
    { pipeline: 'root', runs: true, concurrency: 1, reason: null },
  ])
  const paused = await client.pipelines.pause('root', { reason: 'holidays' })
  const graph = await client.pipelines.graph({ after: paused.accepted ? paused.position : undefined })
  expect(graph.edges).toContainEqual({ source: 'root/models', target: 'leaf/models_rpc', kind: 'stands-for' })
  expect(await client.pipelines.list()).toMatchObject([{ state: 'going' }, { state: 'paused', reason: 'holidays' }])
  expect(await client.pipelines.resume('root')).toMatchObject({ accepted: true, events: ['pipeline.resumed'] })
  expect(await client.pipelines.withdraw('root', 'nobodys')).toMatchObject({ refusal: 'not-requested' })
  expect(await client.status()).toMatchObject({ pipelines: ['leaf', 'root'], dead: 0, metadata: ['root'] })
})

test('work that was given up on is put back once, or forgotten, and a dry run changes nothing', async () => {
  const { client, bus, begun } = await siteOf({ runs: 0 })
  await begun(0)
  const { events } = await bus.read({ aggregate: 'run', scope: 'root', key: '0' })
  const event = events.find(({ type }) => type === 'run.node-scheduled')
  if (!event) throw new Error('A node was scheduled')
  const letter = { where: 'root', agent: 'retraining', eventId: event.id, stream: 'EVENTS', sequence: event.sequence }
  await bus.bury({ ...letter, attempts: 11, reason: 'it broke every time' })
  await bus.bury({ ...letter, agent: 'other', eventId: 'x', attempts: 1, reason: 'r' })
  await expect(client.dead.redeliver({})).rejects.toMatchObject({ code: 'contract.letters' })
  await expect(client.dead.drop({ event: 'nope' })).rejects.toMatchObject({ code: 'query.nothing' })
  expect(await client.dead.redeliver({ agent: 'retraining', dryRun: true })).toHaveLength(1)
  expect(await client.dead.list()).toHaveLength(2)
  const stop = new AbortController()
  const taken = Promise.withResolvers<string>()
  const taking = bus.take('root', 'retraining', async (work) => taken.resolve(work.event.id), {
    concurrency: 1,
    signal: stop.signal,
  })
  expect(await client.dead.redeliver({ event: event.id })).toMatchObject([{ attempts: 11 }])
  expect(await taken.promise).toBe(event.id)
  stop.abort()
  await taking
  expect(await client.dead.drop({ all: true })).toMatchObject([{ eventId: 'x' }])
  expect(await client.dead.get('x')).toBeUndefined()
})

test('of a success that lets nodes of several pipelines begin, the work of each is given up on and put back by itself', async () => {
  const { client, bus, begun } = await siteOf({ runs: 0 })
  await begun(0)
  const address = { aggregate: 'run', scope: 'root', key: '0' }
  const next = ['one/eval', 'two/eval'].map((part) => ({ part, attempt: 1 }))
  const data = { part: 'root/retraining', attempt: 1, delivery: 1, instance: 'i', next }
  const about = { version: 2, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
  const event = { ...about, id: 'x-0', type: 'run.node-succeeded', data }
  const sequence = await bus.append([{ address, expectedVersion: 'any', events: [event] }])
  const letter = { agent: 'eval', eventId: 'x-0', stream: 'EVENTS', sequence: Number(sequence), attempts: 11 }
  for (const where of ['one', 'two']) await bus.bury({ ...letter, where, reason: 'it broke every time' })
  expect(await client.dead.list()).toHaveLength(2)
  const stop = new AbortController()
  const taken = Promise.withResolvers<string>()
  const options = { concurrency: 1, signal: stop.signal }
  const taking = bus.take('two', 'eval', async (work) => taken.resolve(work.event.id), options)
  expect(await client.dead.redeliver({ where: 'two' })).toMatchObject([{ where: 'two' }])
  expect(await taken.promise).toBe('x-0')
  expect(await client.dead.list()).toMatchObject([{ where: 'one' }])
  stop.abort()
  await taking
})
