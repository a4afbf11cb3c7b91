import { expect, test } from 'vitest'
import { own } from '#bus/command'
import { accept, type Decider } from '#bus/decider'
import type { PersonCommand, PersonEvent } from '#contracts/notification'
import { wordOf } from '#http/experiment-creation'
import { created, hostileLinks, moveToTestbed } from '../experiments/story.ts'
import { experimentSite } from './experiment-site.ts'
import { siteOf } from './site.ts'

const body = { project: 'rover', ...created().data, cloudLink: undefined }
const items = ({ body: { items: found } }: { readonly body: { readonly items: Record<string, never>[] } }) => found

/** What is streamed in an answer, word for word. */
const heardFrom = ({ body: stream }: Response) => {
  const reader = stream?.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ''
  const until = async (words: string) => {
    while (!heard.includes(words)) {
      const { done = true, value = '' } = (await reader?.read()) ?? {}
      if (done) throw new Error(`The stream ended before '${words}': ${heard}`)
      heard += value
    }
    return heard
  }
  return { until, close: async () => reader?.cancel() }
}

test('an experiment is made under an id of the server’s choice, and can be read at once', async () => {
  const { send, get } = await experimentSite()
  const { status, headers, body: answer } = await send('carol', '/api/experiments', body)
  expect(status).toBe(201)
  expect(answer.experiment).toMatch(/^rover-[a-z0-9]{6}$/)
  expect(headers.get('Location')).toBe(`/api/experiments/${answer.experiment}`)
  const read = await get('carol', `${headers.get('Location')}?after=${answer.position}`)
  expect(read).toMatchObject({ status: 200, body: { creator: 'carol', mode: 'Idle', roles: ['member', 'creator'] } })
  const [wait] = read.body.waiting
  expect(wait).toMatchObject({ what: 'initiate', command: { type: 'experiment.initiate', data: {} } })
})

test('whoever sends the same once more gets the same experiment', async () => {
  const { send, get } = await experimentSite()
  const id = '0198c0de-0000-7000-8000-000000000001'
  const first = await send('carol', '/api/experiments', { ...body, id })
  const second = await send('carol', '/api/experiments', { ...body, id })
  expect(second.body).toEqual(first.body)
  const { position } = first.body
  expect(items(await get('carol', `/api/experiments?after=${position}`))).toHaveLength(1)
})

test('an id that is taken is not used again', async () => {
  const { send, portal } = await experimentSite()
  const id = '0198c0de-0000-7000-8000-000000000001'
  const taken = `rover-${wordOf(id, 0)}`
  await portal.create(taken, 'emil')
  const first = await send('carol', '/api/experiments', { ...body, id })
  expect(first).toMatchObject({ status: 201, body: { experiment: `rover-${wordOf(id, 1)}` } })
  expect((await send('carol', '/api/experiments', { ...body, id })).body).toEqual(first.body)
})

test('what is wrong with an order is told with the path of each field', async () => {
  const { send } = await experimentSite()
  const wrong = { ...body, name: '', resource: { ...body.resource, hours: 13 }, sorce: 1 }
  const { status, body: problem } = await send('carol', '/api/experiments', wrong)
  expect(status).toBe(400)
  expect(problem.errors.map(({ field }: { field: string }) => field)).toEqual(
    expect.arrayContaining(['name', 'resource.hours', 'sorce']),
  )
  const verb = await send('carol', '/api/experiments/rover-aaaaaa/decline', { reason: '' })
  expect(verb).toMatchObject({ status: 400, body: { errors: [{ field: 'reason' }] } })
  expect((await send('carol', '/api/experiments/nothing/run')).status).toBe(400)
})

test('a link that git would take for something else is refused, and nothing is recorded', async () => {
  const { send, get } = await experimentSite()
  for (const link of hostileLinks) {
    const { status, body: problem } = await send('carol', '/api/experiments', { ...body, source: { link } })
    if (link === 'file:///etc') expect([status, problem.code]).toEqual([409, 'refused.folder-not-allowed'])
    else expect([link, status, problem.errors[0]]).toMatchObject([link, 400, { field: 'source.link' }])
  }
  expect(items(await get('carol', '/api/experiments'))).toEqual([])
})

test('each may what their role may: others are told 403, and what can’t be at the moment 409', async () => {
  const { send, get, portal, caughtUp } = await experimentSite()
  const { experiment } = (await send('carol', '/api/experiments', body)).body
  const at = `/api/experiments/${experiment}`
  const status = async (name: string, verb: string, said = {}) => {
    const { status: code, body: answer } = await send(name, `${at}/${verb}`, said)
    return [code, answer.code]
  }
  for (const name of ['olga', 'ada', 'mia', 'stranger'])
    expect([name, ...(await status(name, 'initiate'))]).toEqual([name, 403, 'refused.not-allowed'])
  expect(await status('olga', 'run')).toEqual([409, 'refused.idle'])
  expect(await status('carol', 'set-experimenters', { experimenters: ['emil'] })).toEqual([200, undefined])
  expect(await status('emil', 'initiate')).toEqual([200, undefined])
  expect(await send('carol', `${at}/initiate`)).toMatchObject({
    ...{ status: 409, body: { code: 'refused.begun' } },
    body: { detail: expect.stringMatching(/is in development already: emil has done so at \d\d:\d\d UTC$/) },
  })
  await portal.update(experiment)
  for (const step of ['fetch', 'ship', 'build'] as const) await portal.take(experiment, step)
  await caughtUp()
  expect(await status('carol', 'move-to-testbed', moveToTestbed().data)).toEqual([403, 'refused.not-allowed'])
  const [item] = items(await get('olga', '/api/inbox'))
  const { type, data } = item?.command as unknown as { type: string; data: object }
  expect(await status('olga', type.slice('experiment.'.length), data)).toEqual([200, undefined])
  expect(await status('carol', 'terminate', { reason: 'enough' })).toEqual([409, 'refused.in-testbed'])
  await caughtUp()
  const { body: history } = await get('carol', `${at}/history`)
  expect(history.items.map(({ principal }: { principal: string }) => principal)).toEqual(
    expect.arrayContaining(['carol', 'emil', 'portal']),
  )
  expect(items(await get('olga', `${at}/steps`))).toHaveLength(4)
})

test('each reads what is of their projects over HTTP', async () => {
  const { send, get } = await experimentSite()
  await send('emil', '/api/experiments', body)
  const { experiment, position } = (await send('carol', '/api/experiments', { ...body, project: 'strict' })).body
  const count = async (name: string, path: string) => items(await get(name, `${path}?after=${position}`)).length
  for (const [name, experiments, nodes] of [
    ['olga', 2, 4],
    ['ada', 2, 4],
    ['carol', 2, 4],
    ['mia', 1, 4],
    ['stranger', 0, 0],
  ] as const) {
    expect([name, await count(name, '/api/experiments')]).toEqual([name, experiments])
    expect([name, await count(name, '/api/end-nodes')]).toEqual([name, nodes])
    expect([name, await count(name, '/api/sites')]).toEqual([name, nodes / 2])
  }
  for (const path of ['', '/logs']) expect((await get('mia', `/api/experiments/${experiment}${path}`)).status).toBe(404)
  for (const path of ['/history', '/steps'])
    expect((await get('mia', `/api/experiments/${experiment}${path}`)).body).toMatchObject({ items: [] })
  expect((await send('mia', '/api/experiments', { ...body, project: 'strict' })).status).toBe(403)
})

test('a cloud link is taken with its secret, and told without it', async () => {
  const put: unknown[] = []
  const { send, get } = await experimentSite({
    putSecret: async (link, about) => {
      put.push([link, about])
      return { kind: 'webdav', url: 'https://carol:pass@files.example/a?token=x', secret: 'the-key' }
    },
  })
  const { experiment } = (await send('carol', '/api/experiments', { ...body, link: 'https://files.example/a' })).body
  const at = `/api/experiments/${experiment}`
  const set = await send('carol', `${at}/set-cloud-link`, { link: 'webdav https://carol:pass@files.example/a' })
  expect(set.status).toBe(200)
  expect(put).toMatchObject([[expect.any(String), { experiment, principal: 'carol' }], {}])
  const read = await get('olga', `${at}?after=${(await get('olga', '/api/me')).headers.get('Millrace-Position')}`)
  expect(read.body.cloudLink).toEqual({ kind: 'webdav', url: 'https://files.example/a' })
  expect(JSON.stringify(read.body)).not.toMatch(/pass@|the-key|token=x/)
  expect((await send('stranger', `${at}/set-cloud-link`, { link: 'x' })).status).toBe(404)
  expect(put).toHaveLength(2)
  const stolen = { kind: 's3', bucket: 'mine', secret: 'the-key' }
  const raw = { scope: 'rover', key: experiment, data: { cloudLink: stolen } }
  expect((await send('mia', '/api/commands/experiment.set-cloud-link', raw)).status).toBe(403)
})

test('a server that keeps no secrets says so', async () => {
  const { send } = await experimentSite()
  const answer = await send('carol', '/api/experiments/rover-aaaaaa/set-cloud-link', { link: 'x' })
  expect(answer).toMatchObject({ status: 501, body: { code: 'web.no-secrets' } })
  expect((await send('carol', '/api/experiments', { ...body, link: 'x' })).status).toBe(501)
})

test('end nodes are reserved by operators, and those that overlap are refused', async () => {
  const { send, get } = await experimentSite()
  const span = { project: 'rover', from: '2096-01-01T00:00:00Z', until: '2096-01-02T00:00:00Z' }
  expect((await send('carol', '/api/end-nodes/north/one/reserve', span)).status).toBe(403)
  expect((await send('olga', '/api/end-nodes/north/one/reserve', span)).status).toBe(200)
  expect((await send('olga', '/api/end-nodes/north/one/reserve', { ...span, project: 'strict' })).body).toMatchObject({
    status: 409,
    code: 'refused.reserved',
  })
  expect((await send('olga', '/api/end-nodes/north/one/reserve', { ...span, from: 'soon' })).body).toMatchObject({
    errors: [{ field: 'from' }],
  })
  const { position } = (await send('olga', '/api/end-nodes/north/two/reserve', span)).body
  const found = items(await get('olga', `/api/reservations?site=north&from=2096-01-01T12:00:00Z&after=${position}`))
  expect(found).toMatchObject([{ part: 'north/one', project: 'rover', by: 'olga' }, { part: 'north/two' }])
  const undo = await send('olga', '/api/end-nodes/north/one/unreserve', { reservation: found[0]?.reservation })
  expect(undo.status).toBe(200)
  expect(items(await get('olga', `/api/reservations?after=${undo.body.position}`))).toHaveLength(1)
})

test('what somebody wants to be told is kept for them alone', async () => {
  const person: Decider<object, PersonCommand, PersonEvent> = {
    aggregate: 'person',
    initial: {},
    evolve: (state) => state,
    decide: ({ data }) => accept({ type: 'person.preferences-set', data }),
  }
  const { send, get, hub, stop } = await experimentSite()
  const put = (said: object) => send('carol', '/api/me/preferences', said, 'PUT')
  expect((await put({ mail: 'carol@example.org' })).status).toBe(503)
  own(hub.connect('portal'), person, 'all', stop.signal)
  expect((await put({ mail: 'no address' })).body).toMatchObject({ errors: [{ field: 'mail' }] })
  const { position } = (await put({ mail: 'carol@example.org', occasions: ['failed'] })).body
  expect((await get('carol', `/api/me?after=${position}`)).body).toMatchObject({
    preferences: { mail: 'carol@example.org', occasions: ['failed'] },
  })
  expect((await get('olga', '/api/me')).body).toMatchObject({ preferences: null })
})

test('output is read by part and step, as lines, as text and live', async () => {
  const { as, get, bus, portal } = await experimentSite()
  await portal.create()
  const printer = { scope: 'rover', key: 'rover-aaaaaa', attempt: 1, delivery: 1 }
  const said = (text: string) => [{ at: 0, level: 'info' as const, text }]
  await bus.print({ ...printer, part: 'north/self', step: 'build' }, said('built'))
  await bus.print({ ...printer, part: 'north/one', step: 'deliver' }, said('delivered'))
  await bus.print({ ...printer, part: 'north/one', step: 'run' }, said('hello'))
  const at = '/api/experiments/rover-aaaaaa/logs'
  const texts = async (query: string) =>
    (await get('carol', `${at}${query}`)).body.lines.map(({ text }: { text: string }) => text)
  expect(await texts('')).toEqual(['built', 'delivered', 'hello'])
  expect(await texts('?part=north/one')).toEqual(['delivered', 'hello'])
  expect(await texts('?part=north/one&step=run')).toEqual(['hello'])
  expect(await texts('?tail=1')).toEqual(['hello'])
  expect((await get('carol', `${at}?step=fly`)).status).toBe(400)
  const plain = await as('carol', `${at}?step=build`, { headers: { Accept: 'text/plain' } })
  expect(await plain.text()).toBe('1970-01-01T00:00:00.000Z info built\n')
  const { until, close } = heardFrom(await as('carol', `${at}?step=run`, { headers: { Accept: 'text/event-stream' } }))
  await until('event: live')
  await until('hello')
  await bus.print({ ...printer, part: 'north/one', step: 'collect' }, said('not this'))
  await bus.print({ ...printer, part: 'north/one', step: 'run' }, said('and on'))
  expect(await until('and on')).not.toContain('not this')
  await close()
})

test('events of experiments are streamed to whoever may see them', async () => {
  const { as, portal } = await experimentSite()
  const open = async (name: string) => {
    const heard = heardFrom(await as(name, '/api/events'))
    await heard.until('event: position')
    return heard
  }
  const [carol, mia, stranger] = await Promise.all(['carol', 'mia', 'stranger'].map(open))
  await portal.create('strict-hidden', 'carol')
  await portal.create('rover-seen11', 'carol')
  await portal.raw({ aggregate: 'host', scope: 'all', key: 'h' }, 'host.stopped', { host: 'h', instance: 'i' }, 'h')
  expect(await carol?.until('host.stopped')).toMatch(/strict-hidden[\s\S]*rover-seen11/)
  expect(await mia?.until('host.stopped')).not.toContain('strict-hidden')
  expect(await stranger?.until('host.stopped')).not.toMatch(/strict-hidden|rover-seen11/)
  await Promise.all([carol, mia, stranger].map((one) => one?.close()))
})

test('without a portal nothing of it exists', async () => {
  const { get, post } = await siteOf({ runs: 0 })
  for (const path of ['experiments', 'inbox', 'sites', 'end-nodes', 'reservations', 'notifications'])
    expect(await (await get(`/api/${path}`)).json()).toMatchObject({ items: [] })
  expect((await get('/api/experiments/rover-aaaaaa')).status).toBe(404)
  const answer = await post('/api/experiments/rover-aaaaaa/run', {})
  expect(await answer.json()).toMatchObject({ status: 503, detail: expect.stringMatching('the portal') })
})
