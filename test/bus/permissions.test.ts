import { randomBytes } from 'node:crypto'
import { createInbox, nkeyAuthenticator, PermissionViolationError } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Batch, Bus } from '#bus/bus'
import { ask, own } from '#bus/command'
import { newIdentity } from '#bus/credentials'
import { accept, type Decider } from '#bus/decider'
import { dispatch } from '#bus/dispatcher'
import { openBus } from '#bus/jetstream'
import { encode } from '#bus/message'
import { inboxOf, permissionsOf } from '#bus/permissions'
import { postFact } from '#bus/post'
import type { Address } from '#contracts/subjects'
import { commandOf, commandsTo, historyOf, queriesTo, queryOf, serviceOf, servicesOf } from '#contracts/subjects'
import { withUsers } from './permitted.ts'
import { digestOf, fresh, happened, record, runOf, streamOf, until } from './samples.ts'

const { bus, raw, url, securityOf } = withUsers([
  { role: 'worker', principal: 'trainer', pipeline: 'p', agents: ['train'] },
  { role: 'worker', principal: 'scorer', pipeline: 'p', agents: ['score'] },
  { role: 'owner', principal: 'owner', pipeline: 'p' },
  { role: 'host', principal: 'hub', pipeline: 'p', agents: ['train', 'score'], stores: ['inbox'] },
  { role: 'host', principal: 'anywhere' },
  { role: 'web', principal: 'web-hub', pipeline: 'p' },
  { role: 'script', principal: 'ann' },
])

const execution = { part: 'p/train', attempt: 1, delivery: 1, instance: 'i' }

/** A fact of an agent. */
const measured = (key: string): { address: Address; event: ReturnType<typeof happened> } => ({
  address: { aggregate: 'tracking', scope: 'p', key },
  event: { ...happened(fresh(), { key: 'loss', value: 0.5 }), type: 'tracking.metric-logged' },
})

const post = async (of: Bus, key: string) => {
  const { address, event } = measured(key)
  return of.append([{ address, expectedVersion: (await of.read(address)).version, events: [event] }])
}

/** Runs something until the test has ended. */
const during =
  (context: { onTestFinished: (undo: () => Promise<void>) => void }) =>
  (begin: (signal: AbortSignal) => Promise<unknown>) => {
    const stop = new AbortController()
    const ended = begin(stop.signal)
    ended.catch(() => undefined)
    context.onTestFinished(async () => {
      stop.abort()
      await ended.catch(() => undefined)
    })
    return ended
  }

/** Accepts everything, and says so with one event. */
const agreeable: Decider<number, { readonly type: string; readonly data: unknown }, never> = {
  aggregate: 'run',
  initial: 0,
  evolve: (count) => count + 1,
  decide: () => accept({ type: 'run.succeeded', data: {} } as never),
}

describe('a worker', () => {
  test('can do its whole job', async (context) => {
    const run = during(context)
    const [trainer, scorer, owner, admin] = await Promise.all(['trainer', 'scorer', 'owner', 'admin'].map(bus))
    if (!trainer || !scorer || !owner || !admin) throw new Error('nobody is there')
    const [model, dataset] = [randomBytes(300_000), randomBytes(300_000)]
    await scorer.buckets.put('scorer', digestOf(dataset), () => streamOf(dataset))
    run((signal) => own(owner, agreeable, 'p', signal).served)
    run((signal) => admin.serve(queriesTo('metrics', 'p'), async () => ({ items: [] }), signal))
    run((signal) => admin.serve(servicesOf('p', 'inbox'), async () => 'listed', signal))

    const leaving = new AbortController()
    const who = { host: 'trainer', instance: 'i', machine: 'm', nodes: [] }
    const { gone } = await trainer.appear(who, leaving.signal)
    const address = runOf('p', '1')
    const [event] = await record(admin, address, [happened(fresh(), { part: 'p/train', attempt: 1 })])
    await admin.put([{ where: 'p', agent: 'train', event }])
    const done = Promise.withResolvers<void>()
    run((signal) =>
      trainer
        .take(
          'p',
          'train',
          async (work) => {
            const tell = (type: string, data: object) => ask(trainer, { address, type, data, causedBy: work.event })
            expect(await tell('run.start-node', { ...execution, host: 'trainer' })).toMatchObject({ accepted: true })
            work.working()
            expect(await tell('run.beat-node', execution)).toMatchObject({ accepted: true })
            expect((await trainer.read(address)).events.length).toBeGreaterThan(0)
            const bytes = await Array.fromAsync(
              trainer.buckets.get('scorer', digestOf(dataset), AbortSignal.timeout(9000)),
            )
            expect(digestOf(Buffer.concat(bytes))).toBe(digestOf(dataset))
            await trainer.buckets.put('trainer', digestOf(model), () => streamOf(model))
            expect(await trainer.buckets.has('trainer', digestOf(model))).toBe(true)
            expect(await trainer.request(queryOf('metrics', 'p', 'trainer'), {})).toEqual({ items: [] })
            expect(await trainer.request(serviceOf('p', 'inbox', 'list', 'trainer'), {})).toBe('listed')
            await post(trainer, 'train')
            const result = { outcome: 'succeeded' } as const
            expect(await tell('run.report-node', { ...execution, result })).toMatchObject({ accepted: true })
            await trainer.bury({
              where: 'p',
              agent: 'train',
              eventId: 'e',
              stream: 'EVENTS',
              sequence: 1,
              attempts: 9,
              reason: 'r',
            })
            await work.done()
          },
          { concurrency: 1, signal },
        )
        .catch(done.reject),
    )
    const { consumers } = (await raw('admin')).jsm
    await until(async () => {
      const { num_pending, num_ack_pending, delivered } = await consumers.info('WORK', 'p=train')
      expect([num_pending, num_ack_pending, delivered.stream_seq > 0]).toEqual([0, 0, true])
    })
    leaving.abort()
    await gone
    expect(await admin.present()).toEqual([])
    expect((await admin.read({ aggregate: 'tracking', scope: 'p', key: 'train' })).events).toHaveLength(1)
  })

  test('cannot put the bytes of another host, and what it could not put leaves nothing behind', async () => {
    const trainer = await bus('trainer')
    const wrong = trainer.buckets.put('trainer', digestOf(randomBytes(9)), () => streamOf(randomBytes(300_000)))
    await expect(wrong).rejects.toMatchObject({ code: 'artifact.wrong' })
  })
})

/** What a worker tries through its bus and must not get, each with what the fault says. */
const denied: Readonly<Record<string, (trainer: Bus) => Promise<unknown>>> = {
  'record a decided event of a run': (trainer) =>
    trainer.append([{ address: runOf('p', '7'), expectedVersion: 'any', events: [happened()] }]),
  'record a decided event of a pipeline': (trainer) =>
    trainer.append([
      { address: { aggregate: 'pipeline', scope: 'p', key: 'self' }, expectedVersion: 'any', events: [happened()] },
    ]),
  'hide a decided event in a batch with its own facts': (trainer) => {
    const { address, event } = measured('train')
    return trainer.append([
      { address: runOf('p', '7'), expectedVersion: 'any', events: [happened()] },
      { address, expectedVersion: 'any', events: [event] },
    ])
  },
  'hide a decided event at the end of a batch': (trainer) => {
    const { address, event } = measured('train')
    return trainer.append([
      { address, expectedVersion: 'any', events: [event] },
      { address: runOf('p', '7'), expectedVersion: 'any', events: [happened()] },
    ])
  },
  "post another agent's facts": (trainer) => post(trainer, 'score'),
  "post facts of a host that is somebody else's": (trainer) =>
    trainer.append([
      { address: { aggregate: 'host', scope: 'all', key: 'scorer' }, expectedVersion: 'any', events: [happened()] },
    ]),
  'ask under the name of another': (trainer) => trainer.request(commandOf('run', 'p', 'start-node', 'scorer'), {}),
  'query under the name of another': (trainer) => trainer.request(queryOf('metrics', 'p', 'scorer'), {}),
  'call a service under the name of another': (trainer) =>
    trainer.request(serviceOf('p', 'inbox', 'list', 'scorer'), {}),
  'ask what only people ask': (trainer) => trainer.request(commandOf('pipeline', 'p', 'start', 'trainer'), {}),
  "take another agent's work": (trainer) =>
    trainer.take('p', 'score', async () => undefined, { concurrency: 1, signal: AbortSignal.timeout(9000) }),
  'put work': async (trainer) => {
    const event = { ...happened(), address: runOf('p', '1'), sequence: 1, position: '', storedAt: 0 }
    await trainer.put([{ where: 'p', agent: 'score', event }])
  },
  'put much work at once': async (trainer) => {
    const event = () => ({ ...happened(), address: runOf('p', '1'), sequence: 1, position: '', storedAt: 0 })
    await trainer.put([1, 2, 3].map(() => ({ where: 'p', agent: 'score', event: event() })))
  },
  'react under the name of the dispatcher': (trainer) =>
    trainer.react('dispatcher', async () => undefined, AbortSignal.timeout(9000)),
  'follow the log': (trainer) =>
    trainer.follow({ logId: trainer.logId, sequence: 0 }, () => undefined, AbortSignal.timeout(9000)),
  'set a timer': (trainer) => {
    const event = { ...happened(), address: runOf('p', '1'), sequence: 1, position: '', storedAt: 0 }
    return trainer.setTimer('p', event, Date.now())
  },
  'consume timers': (trainer) => trainer.timers('p', async () => undefined, AbortSignal.timeout(9000)),
  'read what agents gave up on': (trainer) => trainer.dead(),
  'bury the work of another agent': (trainer) =>
    trainer.bury({ where: 'p', agent: 'score', eventId: 'e', stream: 'EVENTS', sequence: 1, attempts: 9, reason: 'r' }),
  'answer commands': (trainer) => trainer.serve(commandsTo('run', 'p'), async () => ({}), AbortSignal.timeout(9000)),
  'answer queries': (trainer) => trainer.serve(queriesTo('metrics', 'p'), async () => ({}), AbortSignal.timeout(9000)),
  'answer for a store': (trainer) =>
    trainer.serve(servicesOf('p', 'inbox'), async () => ({}), AbortSignal.timeout(9000)),
  "write into another host's bucket": (trainer) => {
    const bytes = randomBytes(1000)
    return trainer.buckets.put('scorer', digestOf(bytes), () => streamOf(bytes))
  },
  "make another host's bucket": (trainer) =>
    trainer.buckets.put('nobody', digestOf(randomBytes(9)), () => streamOf(randomBytes(9))),
  "sweep another host's bucket": (trainer) => trainer.buckets.sweep('scorer', 0),
  "appear under another host's name": (trainer) =>
    trainer.appear({ host: 'scorer', instance: 'x', machine: 'm', nodes: [] }, AbortSignal.timeout(9000)),
}

describe('a worker is denied, at once and with a sentence, to', () => {
  test.each(Object.entries(denied))('%s', async (_, attempt) => {
    const trainer = await bus('trainer')
    const begun = performance.now()
    await expect(attempt(trainer)).rejects.toMatchObject({
      code: 'bus.denied',
      message: expect.stringMatching(/^This principal may not .*\. See: millrace permissions$/),
    })
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

type Raw = Awaited<ReturnType<typeof raw>>

/** What no bus would try, past the bus. */
const forbidden: Readonly<Record<string, (trainer: Raw) => Promise<unknown>>> = {
  'delete a stream': ({ jsm }) => jsm.streams.delete('WORK'),
  'purge a stream': ({ jsm }) => jsm.streams.purge('WORK'),
  'change a stream': ({ nc }) => nc.request('$JS.API.STREAM.UPDATE.EVENTS', '{}'),
  'make a stream': ({ jsm }) => jsm.streams.add({ name: 'MINE', subjects: ['commands.>'] }),
  'delete a message of the log': ({ jsm }) => jsm.streams.deleteMessage('EVENTS', 1),
  'list the streams': ({ nc }) => nc.request('$JS.API.STREAM.NAMES'),
  "delete another's consumer": ({ jsm }) => jsm.consumers.delete('WORK', 'p=score'),
  'delete the consumer of the dispatcher': ({ jsm }) => jsm.consumers.delete('EVENTS', 'dispatcher'),
  "make a consumer of another's work": ({ jsm }) =>
    jsm.consumers.add('WORK', { durable_name: 'p=score', filter_subject: 'work.p.score.*' }),
  "fetch another's work": ({ nc }) => nc.request('$JS.API.CONSUMER.MSG.NEXT.WORK.p=score', '1'),
  "acknowledge another's work": ({ nc }) => nc.request('$JS.ACK.WORK.p=score.1.1.1.1.0', '+ACK'),
  "read another's work": ({ jsm }) => jsm.streams.getMessage('WORK', { seq: 1 }),
  'read a dead letter': ({ jsm }) => jsm.direct.getMessage('DEAD', { seq: 1 }),
  'read a timer': ({ jsm }) => jsm.streams.getMessage('TIMERS', { seq: 1 }),
  "purge another's bucket": ({ jsm }) => jsm.streams.purge('OBJ_artifacts-scorer'),
  'delete its own bucket': ({ jsm }) => jsm.streams.delete('OBJ_artifacts-trainer'),
  "end another's presence": ({ nc }) => nc.request('$KV.presence.scorer', ''),
}

describe('a worker is denied, past its bus, to', () => {
  test.each(Object.entries(forbidden))('%s', async (_, attempt) => {
    const trainer = await raw('trainer')
    const reason = await attempt(trainer).then(
      () => expect.fail('it was allowed'),
      (thrown: Error) => thrown,
    )
    expect(reason.cause instanceof PermissionViolationError ? reason.cause : reason).toBeInstanceOf(
      PermissionViolationError,
    )
  })

  const inboxes = {
    "another's inbox": '_INBOX_scorer.>',
    'every inbox': '_INBOX.>',
    'every subject': '>',
    events: 'events.>',
    commands: 'commands.run.p.*.*',
  }
  test.each(Object.entries(inboxes))('listen to %s', async (_, subject) => {
    const { nc } = await raw('trainer')
    const closed = await nc.subscribe(subject, { callback: () => undefined }).closed
    expect(closed).toBeInstanceOf(PermissionViolationError)
  })

  test('make a consumer that is named as its own but filters the work of another', async () => {
    const { nc } = await raw('trainer')
    const config = { durable_name: 'p=train', filter_subject: 'work.p.score.*', ack_policy: 'explicit' }
    const body = JSON.stringify({ stream_name: 'WORK', config })
    const answer = await nc.request('$JS.API.CONSUMER.CREATE.WORK.p=train.work.p.train.*', body)
    expect(answer.json()).toMatchObject({ error: { description: /filter subject|does not match/ } })
  })

  test('connect with answers to where those of another arrive', async () => {
    const { nc } = await raw('trainer')
    const sub = nc.subscribe(createInbox('_INBOX_owner'), { callback: () => undefined })
    expect(await sub.closed).toBeInstanceOf(PermissionViolationError)
  })
})

describe('what a limited client places in the log', () => {
  test('by naming an event as the place for its answer is dropped by every reader', async (context) => {
    const run = during(context)
    const [admin, { nc }] = [await bus('admin'), await raw('trainer')]
    const address = runOf('p', fresh())
    const subject = historyOf(address)
    await record(admin, address, [happened()])
    const before = await admin.head()
    run((signal) => admin.serve(commandsTo('run', 'q'), async () => ({ accepted: true }), signal))
    await until(() => admin.request(commandOf('run', 'q', 'start-node', 'admin'), {}))
    nc.publish('$JS.API.STREAM.INFO.EVENTS', '', { reply: subject })
    nc.publish(commandOf('run', 'q', 'start-node', 'trainer'), '{}', { reply: subject })
    await until(async () => expect(await admin.head()).toBe(before + 2))
    expect((await admin.read(address)).events).toHaveLength(1)
    const dropped: number[] = []
    run((signal) =>
      admin.follow({ logId: admin.logId, sequence: before }, (batch) => dropped.push(batch.dropped), signal),
    )
    await until(() => expect(dropped.reduce((sum, n) => sum + n, 0)).toBe(2))
  })

  test('by having the server read it out onto an event is dropped, whatever envelope it has', async (context) => {
    const run = during(context)
    const [admin, { nc }] = [await bus('admin'), await raw('trainer')]
    const address = runOf('p', fresh())
    const subject = historyOf(address)
    await record(admin, address, [happened()])
    const before = await admin.head()
    const forged = encode(subject, happened('forged'))
    forged.headers.delete('Nats-Msg-Id')
    const place = { headers: forged.headers, timeout: 5000 }
    const own = historyOf({ aggregate: 'tracking', scope: 'p', key: 'train' })
    const inLog = (await nc.request(own, forged.body, place)).json<{ seq: number }>().seq
    const inBucket = (await nc.request('$O.artifacts-trainer.C.forged', forged.body, place)).json<{ seq: number }>().seq
    nc.publish('$JS.API.DIRECT.GET.EVENTS', JSON.stringify({ seq: inLog }), { reply: subject })
    nc.publish('$JS.API.DIRECT.GET.OBJ_artifacts-trainer', JSON.stringify({ seq: inBucket }), { reply: subject })
    await until(async () => expect(await admin.head()).toBe(before + 3))
    expect((await admin.read(address)).events).toHaveLength(1)
    expect((await admin.last(address))?.id).not.toBe('forged')
    const batches: Batch[] = []
    run((signal) => admin.follow({ logId: admin.logId, sequence: before }, (batch) => batches.push(batch), signal))
    await until(() => expect(batches.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(3))
  })
})

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
    expect(await hub.dead()).toBeInstanceOf(Array)
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
    const ann = await bus('ann')
    await until(async () => expect(await ann.request(queryOf('runs', 'p', 'ann'), {})).toBe('rows'))
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

test('rights of several roles add up, and what one part needs by its name no other takes away', () => {
  const both = permissionsOf({ role: 'host', principal: 'h', pipeline: 'p' }, { role: 'script', principal: 'h' })
  expect(both.publish.allow).toContain('$JS.API.CONSUMER.CREATE.EVENTS.dispatcher')
  expect(both.publish.deny).not.toContain('$JS.API.CONSUMER.CREATE.EVENTS.dispatcher')
  expect(both.publish.deny).toContain('$JS.API.CONSUMER.DELETE.EVENTS.dispatcher')
})

test('a bus that is opened under another name than its key allows says so', async () => {
  const opening = openBus({
    url: url(),
    principal: 'scorer',
    security: { ...securityOf('trainer'), inboxPrefix: inboxOf('scorer') },
  })
  await expect(opening).rejects.toMatchObject({ code: 'bus.denied' })
})

test('a key that the server does not know is refused at once, even by who would wait for a server', async () => {
  const stranger = nkeyAuthenticator(new TextEncoder().encode(newIdentity('eve').seed))
  const opening = openBus({ url: url(), principal: 'eve', security: { authenticator: stranger }, wait: true })
  await expect(opening).rejects.toMatchObject({ code: 'bus.denied', message: /may not connect to nats:/ })
})
