import { expect, test } from 'vitest'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { own } from '#bus/command'
import { siteOf } from './site.ts'

const owned = async () => {
  const site = await siteOf()
  const { served } = own(site.hub.connect('owner'), pipelineDecider, 'root', site.stop.signal)
  served.catch(() => undefined)
  return site
}

const json = async (response: Response | Promise<Response>) => (await response).json() as Promise<Record<string, never>>

test('a run is asked for in the name of the user', async () => {
  const { post, get, bus } = await owned()
  const response = await post('/api/pipelines/root/runs', { message: 'please' })
  expect(response.status).toBe(200)
  const { position, accepted } = await json(response)
  expect(accepted).toBe(true)
  expect(response.headers.get('Millrace-Position')).toBe(position)
  expect(await json(get(`/api/requests?after=${position}`))).toMatchObject({
    items: [{ pipeline: 'root', message: 'please', state: 'queued', principal: 'ada' }],
  })
  expect((await bus.last({ aggregate: 'pipeline', scope: 'root', key: 'self' }))?.principal).toBe('ada')
})

test('what is missing is said so, without a word of how it was looked for', async () => {
  const { post } = await owned()
  const { errors } = await json(post('/api/facts', {}))
  expect(errors).toContainEqual({ field: 'data', message: 'is missing' })
})

test('the same request sent twice asks once', async () => {
  const { post } = await owned()
  const once = { message: 'once', id: '0199f0c4-5a1e-7cc0-8000-000000000001' }
  const first = await json(post('/api/pipelines/root/runs', once))
  expect(await json(post('/api/pipelines/root/runs', once))).toEqual(first)
})

test('a refusal is a conflict that says why', async () => {
  const { post } = await owned()
  const plan = { trigger: { kind: 'files', message: 'none' }, offers: [], graph: '0'.repeat(64), nodes: [] }
  const response = await post('/api/commands/pipeline.plan', { scope: 'root', key: 'self', data: plan })
  expect(response.status).toBe(409)
  expect(await json(response)).toMatchObject({ code: 'refused.empty', detail: 'Nothing has arrived for this run' })
})

test('a command that nobody answers says so', async () => {
  const { post } = await siteOf()
  const response = await post('/api/pipelines/root/runs', {})
  expect(response.status).toBe(503)
  expect(await json(response)).toMatchObject({ code: 'bus.no-owner' })
})

test.each([
  {},
  { body: '{}' },
  { body: '{}', headers: { 'Content-Type': 'text/plain' } },
])('a request that does not say that it sends JSON starts nothing: %j', async (said) => {
  const { app, bus } = await owned()
  const before = await bus.head()
  expect((await app.request('/api/pipelines/root/runs', { method: 'POST', ...said })).status).toBe(415)
  expect(await bus.head()).toBe(before)
})

test('what is recorded is posted, and nothing else', async () => {
  const { app } = await siteOf()
  for (const path of ['/api/facts', '/api/commands/run.cancel', '/api/pipelines/root/runs'])
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await app.request(path, { method })
      expect([path, method, answer.status, answer.headers.get('Allow')]).toEqual([path, method, 405, 'POST'])
      expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
    }
})

test('what is reported about a pipeline that nobody has defined is refused; its host may be away', async () => {
  const { post, bus } = await siteOf()
  const metric = { pipeline: 'leaf', type: 'tracking.metric-logged', data: { key: 'k', value: 1 } }
  expect((await post('/api/facts', metric)).status).toBe(200)
  const before = await bus.head()
  const reports = [
    { ...metric, pipeline: 'nope' },
    { ...metric, data: { ...metric.data, pipeline: 'nope' } },
  ]
  for (const report of reports) {
    const refused = await post('/api/facts', report)
    expect([refused.status, await json(refused)]).toMatchObject([
      404,
      { code: 'query.nothing', detail: expect.stringMatching(/^There is no pipeline nope/) },
    ])
  }
  expect(await json(post('/api/facts', { ...metric, pipeline: 'roott' }))).toMatchObject({
    detail: "There is no pipeline roott; did you mean 'root'?",
  })
  expect(await bus.head()).toBe(before)
})

test('what breaks a contract is refused with the path of the field', async () => {
  const { post } = await owned()
  expect(await json(post('/api/pipelines/root/runs', { message: 7 }))).toMatchObject({
    status: 400,
    errors: [{ field: 'message' }],
  })
  const metric = { pipeline: 'root', type: 'tracking.metric-logged', data: { key: 'k', value: 'high' } }
  expect(await json(post('/api/facts', metric))).toMatchObject({
    status: 400,
    detail: expect.stringMatching('value: '),
  })
  expect(await json(post('/api/facts', { ...metric, type: 'artifact.gone' }))).toMatchObject({
    errors: [{ field: 'type' }],
  })
  expect(await json(post('/api/commands/run.fly', { scope: 'root', key: '0', data: {} }))).toMatchObject({
    code: 'contract.unknown',
  })
  expect((await post('/api/facts', '{"pipeline":')).status).toBe(400)
  expect((await post('/api/facts', metric, { 'Content-Type': 'text/plain' })).status).toBe(415)
  expect((await post('/api/facts', { pad: 'x'.repeat(2 << 20) })).status).toBe(413)
})
