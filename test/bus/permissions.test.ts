import { randomBytes } from 'node:crypto'
import { createInbox, PermissionViolationError } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { commandOf, commandsTo, queriesTo, queryOf, serviceOf, servicesOf } from '#contracts/subjects'
import { everybody, measured, post, withUsers } from './permitted.ts'
import { digestOf, happened, runOf, streamOf } from './samples.ts'

const { bus, raw } = withUsers(everybody)

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
  'forget what agents gave up on': (trainer) =>
    trainer.unbury({
      where: 'p',
      agent: 'train',
      eventId: 'e',
      stream: 'EVENTS',
      sequence: 1,
      attempts: 9,
      reason: 'r',
    }),
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
    expect(answer.json()).toMatchObject({ error: { description: /did not match filtered subject/ } })
  })

  test('connect with answers to where those of another arrive', async () => {
    const { nc } = await raw('trainer')
    const sub = nc.subscribe(createInbox('_INBOX_owner'), { callback: () => undefined })
    expect(await sub.closed).toBeInstanceOf(PermissionViolationError)
  })
})
