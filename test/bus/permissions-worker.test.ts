import { randomBytes } from 'node:crypto'
import { nkeyAuthenticator } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Batch } from '#bus/bus'
import { ask, own } from '#bus/command'
import { newIdentity } from '#bus/credentials'
import { accept, type Decider } from '#bus/decider'
import { openBus } from '#bus/jetstream'
import { encode } from '#bus/message'
import { inboxOf } from '#bus/permissions'
import { commandOf, commandsTo, historyOf, queriesTo, queryOf, serviceOf, servicesOf } from '#contracts/subjects'
import { during, everybody, post, withUsers } from './permitted.ts'
import { digestOf, fresh, happened, record, runOf, streamOf, until } from './samples.ts'

const { bus, raw, url, securityOf } = withUsers(everybody)

const execution = { part: 'p/train', attempt: 1, delivery: 1, instance: 'i' }

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
            await work.working()
            expect(await work.wanted()).toBe(false)
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
    expect(await trainer.buckets.sweep('trainer', 0)).toBe(0)
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
    await until(async () => expect(await admin.head()).toBe(before + 1))
    await (await bus('trainer')).request(commandOf('run', 'q', 'start-node', 'trainer'), {})
    expect(await admin.head()).toBe(before + 1) // Whoever serves answers nobody there, as the server does.
    expect((await admin.read(address)).events).toHaveLength(1)
    const dropped: number[] = []
    run((signal) =>
      admin.follow({ logId: admin.logId, sequence: before }, (batch) => dropped.push(batch.dropped), signal),
    )
    await until(() => expect(dropped.reduce((sum, n) => sum + n, 0)).toBe(1))
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
  await expect(opening).rejects.toMatchObject({ code: 'bus.denied', message: /lets in only those whom it knows/ })
})
