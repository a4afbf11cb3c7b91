import { setTimeout as delay } from 'node:timers/promises'
import type { StreamConfig } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Batch } from '#bus/bus'
import type { Numbered, Recorded } from '#contracts/envelope'
import { historyOf } from '#contracts/subjects'
import { fresh, happened, idsOf, record, runOf, until } from './samples.ts'
import { serversOf } from './servers.ts'

describe.concurrent('a log that is made anew under its followers', () => {
  test('is refused by those who follow it and those who react to it', async (context) => {
    const { start, open, administer, ending } = serversOf(context)
    const nats = await start()
    const { jsm } = await administer(nats)
    const bus = await open(nats)
    const events = await record(bus, runOf(fresh()), [happened(), happened()])
    const [followed, reacted]: [Recorded[], Recorded[]] = [[], []]
    const signal = ending()
    const cursor = { logId: bus.logId, sequence: 0 }
    // Heard from the beginning: one may be refused before the other, and before the stream's maker is answered.
    const bothEnd = Promise.allSettled([
      bus.follow(cursor, (batch) => followed.push(...batch.events), signal),
      bus.react('reactor', async (batch) => void reacted.push(...batch.events), signal),
    ])
    await until(() => expect([followed, reacted]).toEqual([events, events]))
    const { config } = await jsm.streams.info('EVENTS')
    await jsm.streams.delete('EVENTS')
    await jsm.streams.add({ ...(config as StreamConfig), metadata: { 'millrace-log-id': 'another' } })
    const ended = (await bothEnd) as PromiseRejectedResult[]
    expect(ended.map(({ reason }) => reason?.code)).toEqual(['log.other', 'log.other'])
  })
})

describe.concurrent('a server that ends and comes back', () => {
  test('loses and doubles nothing for its followers, workers and reactors', async (context) => {
    const { start, open, ending } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    const signal = ending()
    const [followed, reacted, done]: [string[], Set<string>, Set<string>] = [[], new Set(), new Set()]
    const cursor = { logId: bus.logId, sequence: 0 }
    const where = fresh()
    const loops = [
      bus.follow(cursor, ({ events }) => followed.push(...idsOf(events)), signal),
      bus.react('reactor', async ({ events }) => void idsOf(events).map((id) => reacted.add(id)), signal),
      bus.take(
        where,
        'agent',
        async (work) => {
          await work.done()
          done.add(work.event.id)
        },
        { concurrency: 5, signal },
      ),
    ]
    const sent: string[] = []
    const send = async () => {
      const events = await record(bus, runOf(fresh()), [happened(), happened()])
      await bus.put(events.map((event) => ({ where, agent: 'agent', event })))
      sent.push(...idsOf(events))
    }
    for (let restart = 0; restart < 3; restart++) {
      await send()
      await until(() => expect([followed.length, reacted.size, done.size]).toEqual(Array(3).fill(sent.length)))
      await nats.kill()
      await nats.start()
      await send()
    }
    await until(() => expect(followed).toEqual(sent))
    await until(() => expect([reacted, done]).toEqual([new Set(sent), new Set(sent)]))
    expect(await Promise.race([...loops, 'still running'])).toBe('still running')
  })

  test('loses and doubles nothing of what is being followed just then', async (context) => {
    const { start, open, ending } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    const sent: string[] = []
    for (let run = 0; run < 20; run++) {
      const events = Array.from({ length: 1000 }, () => happened())
      sent.push(...idsOf(await record(bus, runOf(fresh()), events)))
    }
    const followed: string[] = []
    const follow = async ({ events }: Batch) => {
      followed.push(...idsOf(events))
      await delay(10)
    }
    void bus.follow({ logId: bus.logId, sequence: 0 }, follow, ending())
    for (const part of [0.2, 0.5, 0.8]) {
      await until(() => expect(followed.length).toBeGreaterThan(part * sent.length))
      await nats.kill()
      await nats.start()
    }
    await until(() => expect(followed.length).toBeGreaterThanOrEqual(sent.length))
    expect(followed).toEqual(sent)
  })

  test(
    'has stored what it acknowledged, to a writer that looks after every doubt',
    { timeout: 60_000 },
    async (context) => {
      const { start, open } = serversOf(context)
      const nats = await start()
      const bus = await open(nats)
      const address = runOf(fresh())
      const acknowledged: string[] = []
      let [doubts, finished, version] = [0, false, 0]

      /** Appends some events, whatever becomes of the first answer. */
      const settle = async (events: readonly Numbered[]): Promise<void> => {
        const appends = [{ address, expectedVersion: version, events }]
        const stored = await bus.append(appends).catch(() => 'conflict' as const)
        if (stored === 'conflict') {
          doubts++
          const seen = await bus.read(address, version)
          version = seen.version
          if (seen.events.length === 0) return settle(events)
          expect(idsOf(seen.events)).toEqual(idsOf(events))
        } else version = stored
        acknowledged.push(...idsOf(events))
      }
      const write = async () => {
        for (let n = 0; !finished; n++)
          await settle(Array.from({ length: (n % 3) + 1 }, (_, at) => happened(`${n}-${at}`)))
      }
      const writing = write()
      for (let kills = 0; kills < 4; kills++) {
        const before = acknowledged.length
        await until(() => expect(acknowledged.length).toBeGreaterThan(before + 50))
        await nats.kill()
        await nats.start()
      }
      finished = true
      await writing
      expect(idsOf((await bus.read(address)).events)).toEqual(acknowledged)
      expect(doubts).toBeGreaterThan(0)
    },
  )

  test('does not hold up who closes while it is away', async (context) => {
    const { start, open } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    await nats.kill()
    await until(() => expect(bus.connected()).toBe(false))
    await bus.close()
    expect(await bus.closed).toBeUndefined()
  })

  test('is waited for by whoever reads or writes meanwhile', async (context) => {
    const { start, open } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    const address = runOf(fresh())
    await record(
      bus,
      address,
      Array.from({ length: 1000 }, () => happened()),
    )
    // Few enough that a busy machine has read them all within the ten seconds after which a read is given up.
    const reading = Promise.all(Array.from({ length: 10 }, () => bus.read(address)))
    reading.catch(() => undefined) // It is heard below, where that is not too late.
    await nats.kill()
    await until(() => expect(bus.connected()).toBe(false))
    const writing = bus.append([{ address, expectedVersion: 0, events: [happened()] }])
    await nats.start()
    expect(await writing).toBe('conflict')
    expect(bus.connected()).toBe(true)
    for (const { events } of await reading) expect(events).toHaveLength(1000)
  })
})

describe.concurrent('a crowd of open batches', () => {
  test('is waited out', { timeout: 40_000 }, async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    const { nc } = await administer(nats)
    const subject = historyOf(runOf(fresh()))
    for (let batch = 0; batch < 60; batch++) {
      const h = headers()
      h.set('Nats-Batch-Id', `left-open-${batch}`)
      h.set('Nats-Batch-Sequence', '1')
      nc.publish(subject, '{}', { headers: h })
    }
    await nc.flush()
    const address = runOf(fresh())
    const before = performance.now()
    const appended = bus.append([{ address, expectedVersion: 0, events: [happened(), happened()] }])
    expect(await appended).toBe(2)
    expect(performance.now() - before).toBeGreaterThan(1000)
    expect((await bus.read(address)).events).toHaveLength(2)
  })
})

describe.concurrent('the name of a host', () => {
  test('is free once its holder has said nothing for twenty seconds', { timeout: 40_000 }, async (context) => {
    const { start, open, ending } = serversOf(context)
    const nats = await start()
    const [holder, other] = [await open(nats), await open(nats)]
    const hostOf = (instance: string) => ({ host: 'gpu-1', instance, machine: 'm', nodes: [] })
    const { gone } = await holder.appear(hostOf('one'), ending())
    await holder.close()
    await gone
    const signal = ending()
    const taking = () => other.appear(hostOf('two'), signal)
    await expect(taking()).rejects.toMatchObject({ code: 'host.twin' })
    await until(taking, 25_000)
    expect((await other.present()).map(({ instance }) => instance)).toEqual(['two'])
  })
})
