import { rmSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { viewNames } from '#projections/views'
import { siteOf } from './site.ts'

const json = async (response: Response | Promise<Response>) => (await response).json() as Promise<Record<string, never>>

test('every view has a route, and says how far the projection was', async () => {
  const { get, bus } = await siteOf()
  const document = await json(get('/openapi.json'))
  const routes = Object.entries(document.paths as never as Record<string, { get?: { operationId: string } }>)
  const read = new Map(routes.flatMap(([path, { get: route }]) => (route ? [[route.operationId, path]] : [])))
  for (const view of viewNames) {
    const path = read
      .get(view)
      ?.replace('{pipeline}', 'root')
      .replace('{run}', '0')
      .replace('{experiment}', 'rover-aaaaaa')
    const query = ['why', 'used-by'].includes(view) ? '?path=haiku0.txt' : ''
    const response = await get(`${path}${query}`)
    expect([view, response.status]).toEqual([view, view === 'experiment' ? 404 : 200])
    if (view === 'experiment') continue // There is none, as there is no portal.
    expect(response.headers.get('Millrace-Position')).toBe(`${bus.logId}.${await bus.head()}`)
  }
})

test('the document describes parameters and answers', async () => {
  const { get } = await siteOf()
  const { openapi, paths } = await json(get('/openapi.json'))
  expect(openapi).toBe('3.1.0')
  const { parameters, responses } =
    (paths as never as Record<string, { get: { parameters: { name: string }[]; responses: object } }>)['/api/runs']
      ?.get ?? {}
  expect(parameters?.map(({ name }) => name)).toEqual([
    'pipeline',
    'run',
    'state',
    'trigger',
    'from',
    'to',
    'at',
    'after',
    'limit',
    'cursor',
    'order',
  ])
  expect(JSON.stringify(responses)).toMatch('startedAt')
})

test('lists are filtered and paged in the query', async () => {
  const { get } = await siteOf({ runs: 3 })
  const first = await json(get('/api/runs?limit=2&pipeline=root'))
  expect(first).toMatchObject({ items: [{ number: 2 }, { number: 1 }], next: expect.any(String) })
  expect(await json(get(`/api/runs?limit=2&cursor=${first.next}`))).toMatchObject({
    items: [{ number: 0 }],
    next: null,
  })
  expect(await json(get('/api/artifacts?state=downloaded&node=leaf/models_rpc'))).toMatchObject({
    items: { length: 3 },
  })
})

test('one run comes with all that belongs to it', async () => {
  const { get } = await siteOf()
  expect(await json(get('/api/runs/root/0'))).toMatchObject({
    run: 'root/0',
    state: 'succeeded',
    nodes: expect.arrayContaining([expect.objectContaining({ part: 'root/retraining', state: 'succeeded' })]),
    attempts: { length: 3 },
    metrics: [{ key: 'loss', value: 1 }],
    triggers: [{ kind: 'files' }],
  })
  expect((await get('/api/runs/root/9')).status).toBe(404)
})

test('after waits until a write can be read', async () => {
  const { get, post } = await siteOf()
  const metric = { pipeline: 'root', type: 'tracking.metric-logged', data: { key: 'accuracy', value: 0.9 } }
  const posted = await post('/api/facts', metric)
  const { position } = await json(posted)
  const read = await json(get(`/api/metrics?key=accuracy&after=${position}`))
  expect(read).toMatchObject({ items: [{ key: 'accuracy', value: 0.9, pipeline: 'root', principal: 'ada' }] })
  const by = { run: 'root/99', part: 'root/retraining', attempt: 1 }
  for (const about of [{ run: 'root/99' }, { by }]) {
    const lost = await post('/api/facts', { ...metric, data: { ...metric.data, ...about } })
    expect([lost.status, await json(lost)]).toMatchObject([404, { detail: 'There is no run root/99' }])
  }
})

test('what was noted of no run is listed by itself', async () => {
  const { get, post } = await siteOf()
  const note = async (type: string, data: object) =>
    json(await post('/api/facts', { pipeline: 'root', type: `tracking.${type}`, data }))
  await note('metric-logged', { key: 'drift', value: 0.3 })
  await note('metric-logged', { key: 'late', value: 1, run: 'root/0' })
  await note('param-logged', { key: 'owner', value: 'ada' })
  const { position } = await note('tagged', { key: 'stage', value: 'test' })
  for (const [view, key] of Object.entries({ metrics: 'drift', params: 'owner', tags: 'stage' }))
    expect(await json(get(`/api/${view}?pipeline=root&run=none&after=${position}`))).toMatchObject({
      items: [{ key, run: null }],
    })
  expect(await json(get('/api/metrics?pipeline=leaf&run=none'))).toMatchObject({ items: [] })
})

test('at looks back', async () => {
  const { get, bus } = await siteOf()
  expect(await json(get(`/api/runs?at=${bus.logId}.3`))).toMatchObject({ items: [] })
  expect(await json(get('/api/runs?at=2000-01-01T00:00:00Z'))).toMatchObject({ items: [] })
})

test('what is wrong with a query is a problem that names the field', async () => {
  const { get } = await siteOf()
  const response = await get('/api/runs?state=asleep')
  expect(response.status).toBe(400)
  expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  expect(await json(response)).toMatchObject({
    code: 'query.broken',
    status: 400,
    errors: [{ field: 'state', message: expect.any(String) }],
  })
  const codes = {
    'limit=0': 'query.broken',
    'cursor=x': 'query.bad-cursor',
    'after=other.1': 'query.other-log',
    'stat=x': 'query.broken',
  }
  for (const [query, code] of Object.entries(codes))
    expect(await json(get(`/api/runs?${query}`))).toMatchObject({ code })
})

test.each([
  ['/api/metrics?run=abc', 'run', 'use <pipeline>/<number>, or a number, or none'],
  ['/api/runs?limit=few', 'limit', 'use a whole number, in digits'],
  ['/api/runs?limit=0', 'limit', 'use 1 to 1000'],
])('%s is told what to say instead', async (query, field, message) => {
  const { get } = await siteOf()
  expect(await json(get(query))).toMatchObject({ errors: [{ field, message }] })
})

test('what is not there is a problem as well', async () => {
  const { get } = await siteOf()
  for (const path of ['/api/nothing', '/nothing', '/a/b/c'])
    expect(await json(get(path))).toMatchObject({ status: 404, code: 'query.nothing' })
})

test('it lives before it is ready, and is not ready without its bus', async () => {
  const { get, bus } = await siteOf()
  expect((await get('/health')).status).toBe(200)
  expect((await get('/ready')).status).toBe(200)
  await bus.close()
  expect((await get('/health')).status).toBe(200)
  const ready = await get('/ready')
  expect(ready.status).toBe(503)
  expect(await json(ready)).toMatchObject({ status: 'not ready', bus: false })
})

test('a server that gives no answer is not ready, and nobody waits for it longer than a moment', async () => {
  const never = () => new Promise<never>(() => undefined)
  const { get } = await siteOf({ over: { head: never, present: never } })
  const [ready, presence] = await Promise.all([get('/ready'), get('/api/presence')])
  expect([ready.status, presence.status]).toEqual([503, 504])
  expect(await json(ready)).toMatchObject({ status: 'not ready', bus: false })
})

test('a database that somebody has deleted is not ready, and cannot be read until it is back', async () => {
  const { get, path } = await siteOf()
  rmSync(path)
  const [ready, runs] = await Promise.all([get('/ready'), get('/api/runs')])
  expect([ready.status, runs.status]).toEqual([503, 503])
  expect(await json(runs)).toMatchObject({ code: 'projection.rebuilding' })
  await vi.waitFor(async () => expect((await get('/ready')).status).toBe(200), 20_000)
  expect(await json(get('/api/runs'))).toMatchObject({ items: [{ run: 'root/0' }] })
})

test('a run is asked for by its number, in digits', async () => {
  const { get } = await siteOf()
  for (const number of ['%20', '1e0', '0x0', '-1']) expect((await get(`/api/runs/root/${number}`)).status).toBe(400)
})

test('a node whose host is away is shown so', async () => {
  const { get, story, caughtUp, hub } = await siteOf()
  await story.drop('more.txt')
  await story.plan()
  await story.start(1, 'root/retraining')
  await caughtUp()
  type Graph = { nodes: { part: string; state: string; reason: string }[] }
  const stands = async () =>
    ((await json(get('/api/graph'))) as never as Graph).nodes.find(({ part }) => part === 'root/retraining')
  expect(await stands()).toMatchObject({ state: 'host away', reason: 'waiting for host host-root, which is away' })
  const here = new AbortController()
  const presence = { host: 'host-root', instance: 'i', machine: 'm', nodes: ['root/retraining'] }
  const { gone } = await hub.connect('host-root').appear(presence, here.signal)
  expect(await stands()).toMatchObject({ state: 'running', host: 'host-root' })
  here.abort()
  await gone
})
