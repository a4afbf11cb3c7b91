import { expect, onTestFinished, test } from 'vitest'
import { memoryBus, memoryHub } from '#bus/memory'
import { queryOf } from '#contracts/subjects'
import { answerQueries } from '#projections/answer-queries'
import type { Page } from '#projections/view'
import type { ViewName } from '#projections/views'
import { initiate, manifest, markReady, moveToTestbed, policy, run, submit, terminate } from '../experiments/story.ts'
import { experimentTeller } from './experiment-story.ts'
import { watching } from './story.ts'

const id = 'rover-aaaaaa'

const telling = async () => {
  const bus = memoryBus()
  const story = experimentTeller(bus)
  await story.define()
  const watched = await watching(bus)
  const one = async (view: ViewName, said: object = {}, who = 'olga') => {
    await watched.caughtUp()
    return (await watched.viewer.ask(view, said, who)).value as Readonly<Record<string, never>>
  }
  const list = async (view: ViewName, said: object = {}, who = 'olga') =>
    ((await one(view, said, who)) as unknown as Page).items
  const about = async () => (await list('experiments'))[0]
  const at = async () => `${bus.logId}.${await bus.head()}`
  return { bus, ...story, ...watched, one, list, about, at }
}

test('a run whose host is away says since when that was not heard, in the list and with its experiment', async () => {
  const { bus, create, must, take, begin, about, one, fail, at } = await telling()
  const here = new AbortController()
  const { gone } = await bus.appear({ host: 'north', instance: 'i', machine: 'm', nodes: [] }, here.signal)
  await create()
  await must(id, 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take(id, step)
  await must(id, 'olga', moveToTestbed())
  await take(id, 'deliver')
  await must(id, 'olga', markReady)
  await must(id, 'olga', run)
  await take(id, 'probe')
  await begin(id, 'run')
  const begun = Date.now()
  type Parts = readonly { readonly part: string; readonly heardUntil: string | null }[]
  const parts = async (said: object = {}) =>
    (await one('experiment', { experiment: id, ...said })).parts as unknown as Parts
  const heard = async (said?: object) =>
    (await parts(said)).flatMap(({ part, heardUntil }) => (heardUntil === null ? [] : [[part, heardUntil]]))
  expect([(await about())?.heardUntil, await heard()]).toEqual([null, []])
  here.abort()
  await gone
  const away = await about()
  expect(Math.abs(Date.parse(String(away?.heardUntil)) - begun)).toBeLessThan(20_000)
  expect(await heard()).toEqual([['north/one', away?.heardUntil]])
  expect(await heard({ at: await at() })).toEqual([])
  const [named] = (await one('experiment', { experiment: id })).parts as unknown as { away: string | null }[]
  expect(named?.away).toBe('north')
  await fail(id, 'run')
  expect([(await about())?.heardUntil, await heard()]).toEqual([null, []])
})

test('an experiment is told from idle to done, with whom it waits for', async () => {
  const { create, must, take, begin, about, list } = await telling()
  await create()
  expect(await about()).toMatchObject({
    ...{ experiment: id, project: 'rover', name: 'Sampling', creator: 'carol', mode: 'Idle', status: 'idle' },
    ...{ subState: 'idle', sites: ['north'], waitsFor: 'user', waits: { what: 'initiate' }, commit: null },
  })
  await must(id, 'carol', initiate)
  expect(await about()).toMatchObject({ mode: 'Development', subState: 'fetching', waitsFor: 'machine' })
  await take(id, 'fetch')
  await take(id, 'ship')
  await begin(id, 'build')
  expect(await about()).toMatchObject({ subState: 'building', commit: 'a'.repeat(40), waits: { step: 'build' } })
  await take(id, 'build')
  expect(await about()).toMatchObject({ subState: 'built', waitsFor: 'operator', waits: { what: 'move-to-testbed' } })
  await must(id, 'olga', moveToTestbed())
  await take(id, 'deliver')
  expect(await about()).toMatchObject({ mode: 'TESTBED', status: 'deploying', waits: { what: 'mark-ready' } })
  await must(id, 'olga', markReady)
  expect(await about()).toMatchObject({ status: 'ready', waits: { what: 'run' }, nodes: ['north/one'] })
  expect(await list('end-nodes', { state: 'occupied' })).toMatchObject([{ part: 'north/one', occupiedBy: id }])
  await must(id, 'olga', run)
  await take(id, 'probe')
  await take(id, 'run')
  await take(id, 'collect')
  expect(await about()).toMatchObject({ subState: 'cleaned', run: 1, waits: { what: 'submit' } })
  await must(id, 'olga', submit)
  await take(id, 'pull')
  await take(id, 'upload')
  expect(await about()).toMatchObject({ status: 'submitted', subState: 'done', waitsFor: null, waits: null })
  expect(await list('end-nodes', { state: 'occupied' })).toEqual([])
})

test('what is asked of a part stands beside what was reported of it, with the results of its run', async () => {
  const { create, must, take, begin, one } = await telling()
  await create()
  await must(id, 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take(id, step)
  await must(id, 'olga', moveToTestbed())
  const node = async () => {
    const { parts } = await one('experiment', { experiment: id })
    return (parts as unknown as { part: string }[]).find(({ part }) => part === 'north/one')
  }
  const image = `127.0.0.1:5000/rover-1@sha256:${'b'.repeat(64)}`
  expect(await node()).toMatchObject({
    desired: { step: 'deliver', image },
    reported: { step: 'deliver', state: null, image: null, compose: null },
  })
  await take(id, 'deliver')
  const delivered = (await node()) as unknown as { desired: { compose: string } }
  expect(delivered).toMatchObject({ reported: { state: 'succeeded', image, compose: delivered.desired.compose } })
  await must(id, 'olga', markReady)
  await must(id, 'olga', run)
  await take(id, 'probe')
  await begin(id, 'run')
  expect(await node()).toMatchObject({ step: 'run', state: 'running', host: 'north', try: 1, run: 1, results: null })
  await take(id, 'run')
  expect(await node()).toMatchObject({ results: { files: 2, bytes: 10, manifest, partial: false } })
  const detail = await one('experiment', { experiment: id })
  expect(detail).toMatchObject({
    composeFiles: [{ site: 'north', image, compose: 'services: {}' }],
    roles: ['operator'],
    commands: expect.arrayContaining(['experiment.run', 'experiment.retry']),
  })
  expect(await one('experiment', { experiment: id }, 'mia')).toMatchObject({
    roles: ['member'],
    commands: ['experiment.create'],
  })
})

test('the inbox has what waits for an operator, oldest first, with a command that can be sent as it is', async () => {
  const { create, must, take, fail, list, ask } = await telling()
  const [built, failed] = ['rover-built1', 'rover-failed']
  for (const key of [failed, built]) {
    await create(key)
    await must(key, 'carol', initiate)
    await take(key, 'fetch')
    await take(key, 'ship')
  }
  await take(built, 'build')
  await fail(failed, 'build')
  const inbox = await list('inbox')
  expect(inbox).toMatchObject([
    { experiment: built, what: 'move-to-testbed', command: { data: { nodes: ['north/one'] } }, unmet: null },
    {
      experiment: failed,
      what: 'retry',
      reason: 'build broke',
      command: { data: { part: 'north/self', step: 'build' } },
    },
  ])
  for (const item of inbox)
    expect(await ask(String(item.experiment), 'olga', item.command as never)).toMatchObject({ accepted: true })
  expect(await list('inbox')).toEqual([])
})

test('where too few end nodes are free, the inbox says so', async () => {
  const { create, must, take, list, onNode } = await telling()
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const reserve = (part: string, project: string) =>
    onNode(part, 'olga', { type: 'end-node.reserve', data: { reservation: 'r', project, from, until, note: '' } })
  await create()
  await must(id, 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take(id, step)
  await reserve('north/two', 'rover')
  expect(await list('inbox')).toMatchObject([{ command: { data: { nodes: ['north/two'] } } }])
  await reserve('north/one', 'strict')
  expect(await list('inbox')).toMatchObject([{ command: { data: { nodes: ['north/two'] } } }])
  await create('rover-other1')
  await must('rover-other1', 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take('rover-other1', step)
  await must('rover-other1', 'olga', moveToTestbed('north/two'))
  const kept = `, north/one is reserved for strict until ${until.slice(0, 16).replace('T', ' ')} UTC`
  expect(await list('inbox', { experiment: id })).toMatchObject([
    { command: null, unmet: `north has 0 free end nodes that are a Rover${kept}; 1 are needed at each site` },
  ])
})

test('every execution of a step is kept, also what was asked for once more and what was never taken', async () => {
  const { create, must, take, fail, begin, list, one, at } = await telling()
  await create()
  await must(id, 'carol', initiate)
  await fail(id, 'fetch')
  const early = await at()
  expect(await list('experiments', { failedStep: 'fetch' })).toMatchObject([
    { failedPart: 'north/self', reason: 'fetch broke' },
  ])
  await must(id, 'olga', { type: 'experiment.retry', data: { part: 'portal/self', step: 'fetch' } })
  await begin(id, 'fetch')
  await begin(id, 'fetch', 'portal/self', 2)
  await must(id, 'carol', terminate)
  const steps = await list('experiment-steps', { experiment: id })
  expect(steps.map((step) => [step.try, step.delivery, step.outcome, step.reason])).toEqual([
    [1, 1, 'failed', 'fetch broke'],
    [2, 1, 'superseded', null],
    [2, 2, 'cancelled', 'wrong branch'],
  ])
  expect(await one('experiment', { experiment: id })).toMatchObject({
    attempt: 2,
    mode: 'Idle',
    parts: [],
    subState: 'idle',
  })
  expect(await one('experiment', { experiment: id, at: early })).toMatchObject({
    ...{ attempt: 1, failedStep: 'fetch', waitsFor: 'operator' },
    waiting: [{ what: 'retry' }, { what: 'terminate', waitsFor: 'user' }],
  })
  await must(id, 'carol', initiate)
  await take(id, 'fetch')
  const history = await list('experiment-history', { experiment: id })
  expect(history.map(({ what, principal, reason }) => [what, principal, reason])).toEqual(
    expect.arrayContaining([
      ['Created: Sampling', 'carol', null],
      ['fetch of portal/self failed', 'portal', 'fetch broke'],
      ['Attempt 1 terminated', 'carol', 'wrong branch'],
    ]),
  )
})

test('lists are filtered by everything that a list shows, and searched in large letters and small', async () => {
  const { create, must, list } = await telling()
  await create('rover-one111', 'carol', { name: 'Äpfel am Baum', description: 'of the ORCHARD' })
  await create('rover-two222', 'emil', { name: 'Birds' })
  await create('strict-three3', 'carol', { name: 'Careful' })
  await must('rover-two222', 'emil', initiate)
  const names = async (said: object) => (await list('experiments', said)).map(({ name }) => name)
  expect(await names({})).toEqual(['Careful', 'Birds', 'Äpfel am Baum'])
  expect(await names({ sort: 'changed' })).toEqual(['Birds', 'Careful', 'Äpfel am Baum'])
  expect(await names({ text: 'äPFEL' })).toEqual(['Äpfel am Baum'])
  expect(await names({ text: 'orchard' })).toEqual(['Äpfel am Baum'])
  expect(await names({ text: 'TWO2' })).toEqual(['Birds'])
  expect(await names({ text: '%' })).toEqual([])
  expect(await names({ project: 'strict', waitsFor: 'administrator' })).toEqual(['Careful'])
  expect(await names({ mode: 'Development' })).toEqual(['Birds'])
  expect(await names({ creator: 'emil', subState: 'fetching', site: 'north' })).toEqual(['Birds'])
  expect(await names({ site: 'south' })).toEqual([])
  const first = (await list('experiments', { limit: 1 })).map(({ name }) => name)
  expect(first).toEqual(['Careful'])
})

test('each sees what is of their projects, and nobody unknown sees anything', async () => {
  const { create, one, list, define, onNode } = await telling()
  await create('rover-mine11', 'emil')
  await create('strict-other1', 'carol')
  const span = { from: '2096-01-01T00:00:00Z', until: '2096-01-02T00:00:00Z' }
  await onNode('north/one', 'olga', {
    type: 'end-node.reserve',
    data: { reservation: 'r1', project: 'strict', ...span, note: 'secret flight' },
  })
  const ids = async (who: string) => (await list('experiments', {}, who)).map(({ experiment }) => experiment)
  for (const who of ['olga', 'ada', 'carol']) expect(await ids(who)).toEqual(['strict-other1', 'rover-mine11'])
  expect(await ids('mia')).toEqual(['rover-mine11'])
  for (const view of ['experiments', 'inbox', 'end-nodes', 'reservations', 'notifications', 'sites'] as const)
    expect(await list(view, {}, 'stranger')).toEqual([])
  await expect(one('experiment', { experiment: 'strict-other1' }, 'mia')).rejects.toThrow('There is no experiment')
  expect(await list('experiment-history', { experiment: 'strict-other1' }, 'mia')).toEqual([])
  expect(await list('reservations', {}, 'mia')).toMatchObject([
    { part: 'north/one', project: null, by: null, note: null, reservation: null },
  ])
  expect(await list('reservations', {}, 'carol')).toMatchObject([
    { project: 'strict', by: 'olga', note: 'secret flight' },
  ])
  expect(await list('reservations', { from: '2096-01-03T00:00:00Z' })).toEqual([])
  expect(await list('reservations', { from: '2096-01-01T12:00:00Z', until: '2096-01-01T13:00:00Z' })).toHaveLength(1)
  expect((await list('inbox', {}, 'emil')).map(({ experiment, what }) => [experiment, what])).toEqual([
    ['rover-mine11', 'initiate'],
  ])
  expect(await list('inbox', {}, 'mia')).toEqual([])
  expect((await list('inbox', {}, 'ada')).map(({ what }) => what)).toEqual(['approve'])
  expect(await one('me', {}, 'carol')).toMatchObject({
    name: 'carol',
    roles: ['member'],
    projects: ['rover', 'strict'],
  })
  // Who has left sees nothing any more, also of what was.
  await define({ ...policy, operators: ['oleg'] })
  expect(await ids('olga')).toEqual([])
})

test('the room on the disks of sites and end nodes is as hosts that run them say now', async () => {
  const { bus, one, list, at } = await telling()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const [ample, odd] = [{ free: 40, total: 100 }, { free: 'a lot' } as never]
  const host = { host: 'north', instance: 'i', machine: 'm', nodes: ['north/self', 'north/two', 'south/four'] }
  await bus.appear(host, stop.signal, () => ({ 'north/self': ample, 'north/one': ample, 'south/four': odd }))
  await bus.appear({ ...host, host: 'other' }, stop.signal, () => ({ 'north/two': { free: 5, total: 100 } }))
  expect(await one('sites')).toMatchObject({ items: [{ disk: { ...ample, low: false } }, { disk: null }] })
  expect(await list('end-nodes')).toMatchObject([
    { part: 'north/one', disk: null, present: false },
    { part: 'north/two', disk: { free: 5, low: true }, present: true },
    { part: 'south/four', disk: null, present: true },
    { part: 'south/three', disk: null, present: false },
  ])
  expect(await one('sites', { at: await at() })).toMatchObject({ items: [{ disk: null }, { disk: null }] })
})

test('without a portal there is nothing of it', async () => {
  const { viewer } = await watching(memoryBus())
  for (const view of ['experiments', 'inbox', 'sites', 'end-nodes'] as const)
    expect((await viewer.ask(view, {}, 'olga')).value).toMatchObject({ items: [] })
  expect((await viewer.ask('me', {}, 'olga')).value).toMatchObject({ portal: false, roles: [] })
})

test('views of a portal are answered over the bus, to each what they may see', async () => {
  const hub = memoryHub()
  const story = experimentTeller(hub.connect('portal'))
  await story.define()
  await story.create(id)
  const web = hub.connect('web-here')
  const { viewer, caughtUp } = await watching(web)
  await caughtUp()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  void answerQueries(web, viewer, [], stop.signal)
  const seenBy = async (principal: string, onBehalfOf?: string) => {
    const subject = queryOf('experiments', 'all', principal)
    const { items } = (await hub.connect(principal).request(subject, {}, { onBehalfOf })) as Page
    return items.length
  }
  expect(await seenBy('olga')).toBe(1)
  expect(await seenBy('carol')).toBe(1)
  expect(await seenBy('stranger')).toBe(0)
  expect(await seenBy('web-there', 'olga')).toBe(1)
  expect(await seenBy('stranger', 'olga')).toBe(0)
})

test('what people were told is listed for them alone, and for operators', async () => {
  const { raw, list } = await telling()
  const told = { experiment: id, about: 'e', way: 'mail', occasion: 'failed', subject: 'It failed' }
  const notifier = { aggregate: 'notification', scope: 'all', key: 'notifier' }
  await raw(notifier, 'notification.sent', { ...told, to: 'carol' })
  await raw(notifier, 'notification.failed', { ...told, to: 'mia', reason: 'no such address' })
  const to = async (who: string, said = {}) => (await list('notifications', said, who)).map((one) => one.to)
  expect(await to('olga')).toEqual(['mia', 'carol'])
  expect(await to('olga', { outcome: 'failed' })).toEqual(['mia'])
  expect(await to('carol')).toEqual(['carol'])
  expect(await to('stranger')).toEqual([])
})

test('an end node that the portal’s file names no longer is there until it is free', async () => {
  const { create, must, take, list, define, one } = await telling()
  await create()
  await must(id, 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take(id, step)
  await must(id, 'olga', moveToTestbed())
  expect(await one('sites')).toMatchObject({ items: [{ site: 'north', nodes: 2, free: 1, occupied: 1 }, {}] })
  const { south } = policy.sites
  await define({ ...policy, sites: south ? { south } : {} })
  expect(await list('end-nodes', { site: 'north' })).toMatchObject([
    { part: 'north/one', state: 'removed', occupiedBy: id },
  ])
  await must(id, 'olga', terminate)
  expect(await list('end-nodes', { site: 'north' })).toEqual([])
})
