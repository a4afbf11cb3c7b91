import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { dispatch } from '#bus/dispatcher'
import { permissionsOf } from '#bus/permissions'
import { postFact } from '#bus/post'
import { commandOf, commandsTo, queriesTo, queryOf, serviceOf, servicesOf } from '#contracts/subjects'
import { during, everybody, post, withUsers } from './permitted.ts'
import { digestOf, fresh, happened, record, runOf, streamOf, until } from './samples.ts'

const { bus, raw } = withUsers([...everybody, { role: 'script', principal: 'bob', bucket: true }])

describe('an owner, a host, a web process and a script', () => {
  test('an owner decides, follows and waits for timers, and no more', async () => {
    const owner = await bus('owner')
    await record(owner, runOf('p', fresh()), [happened()])
    await record(owner, { aggregate: 'pipeline', scope: 'p', key: 'self' }, [happened()])
    await expect(record(owner, runOf('q', fresh()), [happened()])).rejects.toMatchObject({ code: 'bus.denied' })
    await expect(owner.serve(commandsTo('run', 'q'), async () => 1, AbortSignal.timeout(9000))).rejects.toMatchObject({
      code: 'bus.denied',
    })
    await expect(post(owner, 'train')).rejects.toMatchObject({ code: 'bus.denied' })
  })

  test('a host dispatches, keeps its stores, follows, and sees who is there', async (context) => {
    const run = during(context)
    const [hub, admin] = [await bus('hub'), await bus('admin')]
    run((signal) => dispatch(hub, signal))
    run((signal) => hub.serve(servicesOf('p', 'inbox'), async () => 'kept', signal))
    const address = runOf('p', fresh())
    const [event] = await record(hub, address, [happened(fresh(), { part: 'p/score', attempt: 1 })])
    const taken: string[] = []
    run((signal) =>
      hub.take(
        'p',
        'score',
        async (work) => {
          taken.push(work.event.id)
          await work.done()
        },
        { concurrency: 1, signal },
      ),
    )
    await until(() => expect(taken).toContain(event.id))
    expect(await admin.request(serviceOf('p', 'inbox', 'list', 'admin'), {})).toBe('kept')
    await hub.setTimer('p', event, Date.now())
    const fired: string[] = []
    run((signal) => hub.timers('p', async ({ id }) => void fired.push(id), signal))
    await until(() => expect(fired).toContain(event.id))
    expect(await hub.present()).toBeInstanceOf(Array)
    await expect(hub.serve(servicesOf('q', 'inbox'), async () => 1, AbortSignal.timeout(9000))).rejects.toMatchObject({
      code: 'bus.denied',
    })
    const letter = { where: 'p', agent: 'score', eventId: event.id, stream: 'EVENTS', sequence: event.sequence }
    await hub.bury({ ...letter, attempts: 1, reason: 'r' })
    expect(await hub.dead()).toContainEqual({ ...letter, attempts: 1, reason: 'r' })
    await expect((await bus('ann')).unbury({ ...letter, attempts: 1, reason: 'r' })).rejects.toMatchObject({
      code: 'bus.denied',
    })
    await hub.unbury({ ...letter, attempts: 1, reason: 'r' })
    expect(await hub.dead()).toEqual([])
    expect(await hub.examine()).toMatchObject({ write: { stored: true } })
  })

  test('a host without a pipeline named may run any, but under its own name alone', async (context) => {
    const run = during(context)
    const [anywhere, admin] = [await bus('anywhere'), await bus('admin')]
    const [event] = await record(anywhere, runOf('x', fresh()), [happened()])
    run((signal) => anywhere.serve(commandsTo('run', 'x'), async () => 1, signal))
    const taken: string[] = []
    run((signal) =>
      anywhere.take(
        'x',
        'y',
        async (work) => {
          taken.push(work.event.id)
          await work.done()
        },
        { concurrency: 1, signal },
      ),
    )
    await admin.put([{ where: 'x', agent: 'y', event }])
    await until(() => expect(taken).toEqual([event.id]))
    await expect(anywhere.request(commandOf('pipeline', 'x', 'start', 'hub'), {})).rejects.toMatchObject({
      code: 'bus.denied',
    })
    await expect(
      anywhere.buckets.put('hub', digestOf(randomBytes(9)), () => streamOf(randomBytes(9))),
    ).rejects.toMatchObject({ code: 'bus.denied' })
  })

  test('a web process speaks for its users, answers queries, and takes no work', async (context) => {
    const run = during(context)
    const [web, owner] = [await bus('web-hub'), await bus('owner')]
    run((signal) =>
      owner.serve(commandsTo('pipeline', 'p'), async ({ principal, onBehalfOf }) => [principal, onBehalfOf], signal),
    )
    const subject = commandOf('pipeline', 'p', 'start', 'web-hub')
    await until(async () => expect(await web.request(subject, {}, { onBehalfOf: 'ann' })).toEqual(['web-hub', 'ann']))
    run((signal) => web.serve(queriesTo('runs', 'p'), async () => 'rows', signal))
    run((signal) => web.serve(queriesTo('experiments', 'all'), async () => 'experiments', signal))
    const ann = await bus('ann')
    await until(async () => expect(await ann.request(queryOf('runs', 'p', 'ann'), {})).toBe('rows'))
    await until(async () => expect(await ann.request(queryOf('experiments', 'all', 'ann'), {})).toBe('experiments'))
    expect(
      await postFact(web, { scope: 'p', type: 'tracking.tagged', data: { key: 'k', value: 'v' }, onBehalfOf: 'ann' }),
    ).toMatch(/\.\d+$/)
    expect(await web.present()).toBeInstanceOf(Array)
    await expect(record(web, runOf('p', fresh()), [happened()])).rejects.toMatchObject({ code: 'bus.denied' })
    await expect(
      web.take('p', 'train', async () => undefined, { concurrency: 1, signal: AbortSignal.timeout(9000) }),
    ).rejects.toMatchObject({ code: 'bus.denied' })
    await expect(web.react('dispatcher', async () => undefined, AbortSignal.timeout(9000))).rejects.toMatchObject({
      code: 'bus.denied',
    })
  })

  test('a script follows, asks and reports under its own name', async (context) => {
    const run = during(context)
    const [ann, owner] = [await bus('ann'), await bus('owner')]
    run((signal) => owner.serve(commandsTo('pipeline', 'p'), async ({ principal }) => principal, signal))
    await until(async () => expect(await ann.request(commandOf('pipeline', 'p', 'start', 'ann'), {})).toBe('ann'))
    await postFact(ann, { scope: 'p', type: 'tracking.metric-logged', data: { key: 'loss', value: 1 } })
    const seen: string[] = []
    run((signal) =>
      ann.follow(
        { logId: ann.logId, sequence: 0 },
        ({ events }) => seen.push(...events.map(({ type }) => type)),
        signal,
        ['events.tracking.*.*'],
      ),
    )
    await until(() => expect(seen).toContain('tracking.metric-logged'))
    await expect(ann.request(commandOf('run', 'p', 'report-node', 'ann'), {})).rejects.toMatchObject({
      code: 'bus.denied',
    })
    await expect(record(ann, runOf('p', fresh()), [happened()])).rejects.toMatchObject({ code: 'bus.denied' })
  })
})

test('a script makes no stream, which could take in what others ask, unless it is to have a bucket', async () => {
  const [ann, bob] = [await bus('ann'), await bus('bob')]
  const bytes = randomBytes(9)
  await bob.buckets.put('bob', digestOf(bytes), () => streamOf(bytes))
  expect(await ann.buckets.has('bob', digestOf(bytes))).toBe(true)
  await expect(ann.buckets.put('ann', digestOf(bytes), () => streamOf(bytes))).rejects.toMatchObject({
    code: 'bus.denied',
  })
  const { jsm } = await raw('ann')
  for (const name of ['OBJ_artifacts-ann', 'OBJ_artifacts-bob', 'EAR'])
    await expect(jsm.streams.add({ name, subjects: ['services.>'], no_ack: true })).rejects.toThrow(/ermissions/)
  await expect(jsm.streams.update('OBJ_artifacts-bob', { subjects: ['services.>'] })).rejects.toThrow(/ermissions/)
})

test('rights of several roles add up, and what one part needs by its name no other takes away', () => {
  const both = permissionsOf({ role: 'host', principal: 'h', pipeline: 'p' }, { role: 'script', principal: 'h' })
  expect(both.publish.allow).toContain('$JS.API.CONSUMER.CREATE.EVENTS.dispatcher')
  expect(both.publish.deny).not.toContain('$JS.API.CONSUMER.CREATE.EVENTS.dispatcher')
  expect(both.publish.deny).toContain('$JS.API.CONSUMER.DELETE.EVENTS.dispatcher')
})
