import { randomBytes } from 'node:crypto'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Batch } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { encode } from '#bus/message'
import { commandOf, commandsTo, historyOf } from '#contracts/subjects'
import { withServer } from '../nats.ts'
import { behavesLikeABus } from './conformance.ts'
import { digestOf, fresh, happened, type Open, record, runOf, streamOf, until, withConnections } from './samples.ts'

const nats = withServer()
const open: Open = (principal = 'test') => openBus({ url: nats().url, principal })

behavesLikeABus('JetStream', open)

describe('on JetStream', () => {
  const { connect: connectBus, run } = withConnections(open)
  let nc: NatsConnection
  let jsm: JetStreamManager
  beforeAll(async () => {
    nc = await connect({ servers: nats().url })
    jsm = await jetstreamManager(nc)
  })
  afterAll(() => nc.close())

  const consumersOf = async (stream: string) => (await jsm.streams.info(stream)).state.consumer_count

  /** Messages under an aggregate's subject that are no events of it, for one reason each. */
  const junk = (subject: string) => {
    const broken = [happened(), happened(), happened(), happened()].map((event) => encode(subject, event))
    broken[0]?.headers.set('ce-subject', 'events.run.another.1')
    broken[1]?.headers.delete('ce-specversion')
    broken[2]?.headers.set('ce-dataschema', 'urn:somebody:else')
    return [
      { body: '{}', headers: headers() },
      ...broken.map(({ headers, body }, at) => ({ headers, body: at === 3 ? '{' : body })),
    ]
  }

  test('what is no event is dropped and counted, and neither reading nor appending stumbles over it', async () => {
    const bus = await connectBus()
    const address = runOf(fresh())
    const sequence = await bus.head()
    const [event] = await record(bus, address, [happened()])
    for (const { body, headers } of junk(historyOf(address)))
      await nc.request(historyOf(address), body, { headers, timeout: 5000 })
    expect(await bus.read(address)).toEqual({ events: [event], version: event.sequence + 5 })
    expect(await bus.last(address)).toEqual(event)
    const stale = { address, expectedVersion: event.sequence, events: [happened()] }
    expect(await bus.append([stale])).toBe('conflict')
    const [next] = await record(bus, address, [happened()])
    expect(next.sequence).toBe(event.sequence + 6)

    const batches: Batch[] = []
    run((signal) => bus.follow({ logId: bus.logId, sequence }, (batch) => batches.push(batch), signal))
    await until(() => expect(batches.at(-1)?.upTo).toBe(next.sequence))
    expect(batches.flatMap(({ events }) => events)).toEqual([event, next])
    expect(batches.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(5)
  })

  test('a follower leaves no consumer behind, whether it is stopped or its handler throws', async () => {
    const bus = await connectBus()
    const before = await consumersOf('EVENTS')
    await record(bus, runOf(fresh()), [happened()])
    const follower = run((signal) => bus.follow({ logId: bus.logId, sequence: 0 }, () => undefined, signal))
    await until(async () => expect(await consumersOf('EVENTS')).toBe(before + 1))
    await follower.stop()
    expect(await consumersOf('EVENTS')).toBe(before)
    const broken = run((signal) =>
      bus.follow({ logId: bus.logId, sequence: 0 }, () => Promise.reject(new Error('no room')), signal),
    )
    await expect(broken.ended).rejects.toThrow('no room')
    expect(await consumersOf('EVENTS')).toBe(before)
  })

  test('reading bytes and histories leaves neither consumers nor subscriptions behind', async () => {
    const bus = await connectBus()
    const [host, bytes] = [fresh(), randomBytes(5_000_000)]
    const address = runOf(fresh())
    await record(bus, address, [happened()])
    await bus.buckets.put(host, digestOf(bytes), () => streamOf(bytes))
    const subscriptions = async () => {
      const all = await fetch(`${nats().monitor}/connz?subs=1`).then((answer) => answer.json())
      const ours = all.connections.find((connection: { name: string }) => connection.name === principal)
      return ours.subscriptions
    }
    const principal = fresh()
    const reader = await connectBus(principal)
    await reader.read(address)
    const before = await subscriptions()
    for (let n = 0; n < 5; n++) {
      await reader.read(address)
      await Array.fromAsync(reader.buckets.get(host, digestOf(bytes), new AbortController().signal))
    }
    await until(async () => expect(await subscriptions()).toBe(before))
    expect(await consumersOf(`OBJ_artifacts-${host}`)).toBe(0)
  })

  test('a bucket keeps bytes as long as its host says, also one that was made otherwise', async () => {
    const [host, day] = [fresh(), 86_400_000]
    const ages: number[] = []
    for (const [at, keepBytes] of [undefined, 30 * day, 2 * day, undefined].entries()) {
      const bus = await openBus({ url: nats().url, principal: host, keepBytes })
      const bytes = Buffer.of(at)
      await bus.buckets.put(host, digestOf(bytes), () => streamOf(bytes))
      ages.push((await jsm.streams.info(`OBJ_artifacts-${host}`)).config.max_age / 1e6 / day)
      await bus.close()
    }
    expect(ages).toEqual([7, 30, 2, 2])
  })

  test('whoever does not say how long bytes are kept puts them anew by how long their bucket keeps them', async () => {
    const day = 86_400_000
    onTestFinished(() => void vi.restoreAllMocks())
    const putsAfter = async (keepBytes: number, waited: number): Promise<number> => {
      vi.restoreAllMocks()
      const [host, bytes] = [fresh(), randomBytes(10)]
      let puts = 0
      for (const stated of [keepBytes, undefined]) {
        const bus = await openBus({ url: nats().url, principal: host, keepBytes: stated })
        await bus.buckets.put(host, digestOf(bytes), () => {
          puts++
          return streamOf(bytes)
        })
        await bus.close()
        vi.spyOn(Date, 'now').mockReturnValue(Date.now() + waited)
      }
      return puts
    }
    expect(await putsAfter(30 * day, 10 * day)).toBe(1)
    expect(await putsAfter(2 * day, 1.9 * day)).toBe(2)
  })

  test('sweeping removes chunks that no object names, once they are old enough', async () => {
    const bus = await connectBus()
    const [host, bytes] = [fresh(), randomBytes(300_000)]
    const digest = digestOf(bytes)
    await bus.buckets.put(host, digest, () => streamOf(bytes))
    for (const orphan of ['one', 'one', 'two']) await nc.request(`$O.artifacts-${host}.C.${orphan}`, randomBytes(1000))
    expect(await bus.buckets.sweep(host, 60_000)).toBe(0)
    expect(await bus.buckets.sweep(host, 0)).toBe(3)
    expect(await bus.buckets.sweep(host, 0)).toBe(0)
    const found = await Array.fromAsync(bus.buckets.get(host, digest, new AbortController().signal))
    expect(digestOf(Buffer.concat(found))).toBe(digest)
  })

  test('a question that is no JSON, and an answer that is too long, are faults', async () => {
    const bus = await connectBus('ann')
    const scope = fresh()
    run((signal) => bus.serve(commandsTo('run', scope), async () => 'x'.repeat(2_000_000), signal))
    const subject = commandOf('run', scope, 'start', 'ann')
    await until(() => expect(bus.request(subject, {})).rejects.toMatchObject({ code: 'bus.broken' }))
    const own = { noMux: true, reply: `_INBOX_ann.${scope}`, timeout: 5_000 }
    expect((await nc.request(subject, '{', own)).json()).toMatchObject({ fault: { code: 'contract.broken' } })
  })

  test('work that the server has no room for is refused, and not taken for work that is there', async () => {
    const bus = await connectBus()
    const events = await record(bus, runOf(fresh()), [happened(), happened(), happened()])
    const items = events.map((event) => ({ where: 'p', agent: fresh(), event }))
    const { config, state } = await jsm.streams.info('WORK')
    await jsm.streams.update('WORK', { ...config, max_bytes: state.bytes + 1 })
    try {
      await expect(bus.put(items)).rejects.toMatchObject({ code: 'bus.refused' })
    } finally {
      await jsm.streams.update('WORK', config)
    }
    await bus.put(items)
    expect((await jsm.streams.info('WORK')).state.messages - state.messages).toBe(3)
  })

  test('what is asked on a closed bus is refused at once', async () => {
    const bus = await open()
    await bus.close()
    await expect(bus.head()).rejects.toMatchObject({ code: 'bus.closed' })
  })

  test('a timer that was handled is gone', async () => {
    const bus = await connectBus()
    const where = fresh()
    const [event] = await record(bus, runOf(fresh()), [happened()])
    await bus.setTimer(where, event, Date.now())
    const fired: string[] = []
    run((signal) => bus.timers(where, async ({ id }) => void fired.push(id), signal))
    await until(() => expect(fired).toEqual([event.id]))
    const left = async () =>
      (await jsm.streams.info('TIMERS', { subjects_filter: `timers.*.${where}.*` })).state.subjects
    await until(async () => expect(await left()).toBeUndefined())
  })
})
