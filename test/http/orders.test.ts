import { expect, test } from 'vitest'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { servePreviews } from '#agents/pipelines/preview'
import { run } from '#agents/pipelines/run'
import { own } from '#bus/command'
import { appearing } from '../projections/hosts.ts'
import { leafGraph, rootGraph } from '../projections/story.ts'
import { siteOf } from './site.ts'

const json = async (response: Response | Promise<Response>) => (await response).json() as Promise<Record<string, never>>

/** A site whose pipeline and runs are owned, with one run done and another under way. */
const owned = async () => {
  const site = await siteOf()
  const owner = site.hub.connect('owner')
  for (const decider of [pipelineDecider, run]) own(owner, decider as never, 'root', site.stop.signal)
  await site.story.drop('next.txt')
  await site.story.plan()
  await appearing(owner)
  const runNow = async (position?: string) =>
    json(site.get(`/api/runs/root/1?only=nodes${position ? `&after=${position}` : ''}`))
  return { ...site, owner, runNow }
}

test('a run is paused, resumed and cancelled in the name of the user, each with its reason', async () => {
  const { post, runNow, bus } = await owned()
  const paused = await json(post('/api/runs/root/1/pause', { reason: 'maintenance' }))
  expect(await runNow(paused.position)).toMatchObject({
    state: 'paused',
    reason: 'maintenance',
    heldBy: [{ by: 'request', reason: 'maintenance', principal: 'ada' }],
    nodes: expect.arrayContaining([expect.objectContaining({ part: 'root/retraining', state: 'paused' })]),
  })
  const resumed = await json(post('/api/runs/root/1/resume', {}))
  expect(await runNow(resumed.position)).toMatchObject({
    state: 'running',
    reason: null,
    heldBy: null,
    nodes: expect.arrayContaining([expect.objectContaining({ part: 'root/retraining', state: 'queued', attempt: 2 })]),
  })
  const cancelled = await json(post('/api/runs/root/1/cancel', { reason: 'enough' }))
  expect(await runNow(cancelled.position)).toMatchObject({
    state: 'cancelled',
    reason: 'enough',
    principal: 'ada',
    unstopped: [],
  })
  expect((await bus.last({ aggregate: 'run', scope: 'root', key: '1' }))?.principal).toBe('ada')
  const again = await post('/api/runs/root/1/cancel', {})
  expect(again.status).toBe(409)
  expect(await json(again)).toMatchObject({ code: 'refused.ended', detail: 'Run 1 has ended already: it is cancelled' })
})

test('how each node of a run stood is told from when until when', async () => {
  const { post, get } = await owned()
  const { position } = await json(post('/api/runs/root/1/pause', { reason: 'maintenance' }))
  const { spans } = (await json(get(`/api/runs/root/1/spans?after=${position}`))) as unknown as {
    spans: { part: string; state: string; from: string; to: string | null }[]
  }
  const training = spans.filter(({ part }) => part === 'root/retraining')
  expect(training.map(({ state, to }) => [state, to === null])).toEqual([
    ['waiting', false],
    ['queued', false],
    ['paused', true],
  ])
  for (const [at, { from, to }] of training.entries()) {
    expect(Date.parse(from)).toBeGreaterThan(1_600_000_000_000)
    if (to !== null) expect(training[at + 1]?.from).toBe(to)
  }
  expect((await get('/api/runs/root/9/spans')).status).toBe(404)
})

test('a pipeline is paused and resumed, and its graph says so', async () => {
  const { post, get, owner, stop } = await owned()
  await owner.appear({ host: 'here', instance: 'i', machine: 'm', nodes: ['root/haikus'] }, stop.signal)
  const { position } = await json(post('/api/pipelines/root/pause', { reason: 'holidays' }))
  expect(await json(get(`/api/pauses?after=${position}`))).toMatchObject({
    items: [{ pipeline: 'root', state: 'paused', reason: 'holidays', principal: 'ada' }],
  })
  const { nodes } = (await json(get('/api/graph'))) as unknown as { nodes: { part: string }[] }
  expect(nodes.find(({ part }) => part === 'root/haikus')).toMatchObject({
    state: 'paused',
    reason: 'root is paused: holidays',
  })
  const resumed = await json(post('/api/pipelines/root/resume', {}))
  expect(await json(get(`/api/pauses?after=${resumed.position}&state=paused`))).toMatchObject({ items: [] })
})

test('a run is asked for again, and the request can be withdrawn', async () => {
  const { post, get } = await owned()
  const { position } = await json(post('/api/runs/root/0/rerun', { from: ['leaf/evaluation'], definition: 'old' }))
  const { items } = (await json(get(`/api/requests?after=${position}`))) as unknown as { items: { request: string }[] }
  expect(items).toMatchObject([
    { state: 'queued', rerun: { run: 0, from: ['leaf/evaluation'], definition: 'old' }, message: 'run 0 again' },
  ])
  const dropped = await json(post(`/api/pipelines/root/requests/${items[0]?.request}/withdraw`, { reason: 'no' }))
  expect(await json(get(`/api/requests?after=${dropped.position}`))).toMatchObject({
    items: [{ state: 'dropped', reason: 'no' }],
  })
  expect((await post('/api/runs/root/7/rerun', {})).status).toBe(409)
})

test('what a repeated run would reuse is told before it begins', async () => {
  const { get, owner, hub, stop } = await owned()
  const graphs = new Map([rootGraph, leafGraph].map((graph) => [graph.pipeline, graph]))
  void servePreviews({ bus: owner, pipeline: 'root', graphs, signal: stop.signal }, 'metadata_store')
  const models: Record<string, string> = {}
  void hub
    .connect('keeper')
    .serve(
      'services.root.models.*.*',
      async ({ body }) => ({ found: (body as { paths: string[] }).paths.map((path) => models[path] ?? null) }),
      stop.signal,
    )
  void hub.connect('viewer').serve(
    'queries.history.root.*',
    async ({ body }) => {
      const { after: _, limit: __, ...said } = body as Record<string, string>
      return json(get(`/api/artifacts/history?${new URLSearchParams(said)}`))
    },
    stop.signal,
  )
  const preview = () => json(get('/api/runs/root/0/rerun?from=leaf/plotting'))
  expect(await preview()).toEqual({
    possible: true,
    nodes: [
      { part: 'leaf/evaluation', kind: 'action', reused: null, reason: 'root/retraining is executed again' },
      { part: 'leaf/plotting', kind: 'action', reused: null, reason: 'the run starts from it' },
      { part: 'root/retraining', kind: 'action', reused: null, reason: 'model0.txt of root/models is gone' },
    ],
  })
  const { items } = (await json(get('/api/artifacts?path=model0.txt&node=root/models'))) as unknown as {
    items: { digest: string }[]
  }
  models['model0.txt'] = items[0]?.digest ?? ''
  expect(await preview()).toMatchObject({
    nodes: [
      { part: 'leaf/evaluation', reused: 0, reason: 'as in run 0' },
      { part: 'leaf/plotting', reused: null },
      { part: 'root/retraining', reused: 0 },
    ],
  })
  // From a store on is whatever is behind it; where nothing failed, nothing is left to be done.
  expect(await json(get('/api/runs/root/0/rerun?from=root/haikus'))).toMatchObject({
    nodes: expect.arrayContaining([
      expect.objectContaining({ part: 'root/retraining', reused: null, reason: 'the run starts from root/haikus' }),
    ]),
  })
  const plots = await json(get('/api/artifacts?path=plot0.txt&node=root/models'))
  models['plot0.txt'] = (plots as unknown as { items: { digest: string }[] }).items[0]?.digest ?? ''
  expect(await json(get('/api/runs/root/0/rerun?from=failed'))).toMatchObject({
    possible: false,
    reason: 'Nothing of run 0 would be executed again: say from which node on',
  })
  expect(await json(get('/api/runs/root/1/rerun'))).toMatchObject({
    possible: false,
    reason: 'Run 1 is under way: cancel it first',
  })
})

test('a name that was never defined is told from a host that is away', async () => {
  const { get, post } = await owned()
  const stores = '/api/artifacts/root'
  expect(await json(get(`${stores}/modles/content?path=x`))).toMatchObject({
    status: 404,
    detail: "No host runs a store root/modles; did you mean 'root/models'?",
  })
  expect(await json(get('/api/artifacts/rot/models/content?path=x'))).toMatchObject({
    status: 404,
    detail: "There is no pipeline rot; did you mean 'root'?",
  })
  expect(await json(post('/api/pipelines/rot/runs', {}))).toMatchObject({ status: 404 })
  expect(await json(post('/api/pipelines/rot/pause', {}))).toMatchObject({ status: 404 })
  expect(await json(get(`${stores}/models/content?path=x`))).toMatchObject({ status: 503 })
})

test('what is no number of a run, or not posted, is told so', async () => {
  const { post, get } = await owned()
  expect((await post('/api/runs/root/x/cancel', {})).status).toBe(400)
  expect((await post('/api/runs/root/1/cancel', { reasn: 'x' })).status).toBe(400)
  expect((await get('/api/runs/root/1/cancel')).status).toBe(405)
})
