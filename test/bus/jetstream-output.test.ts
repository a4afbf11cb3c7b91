import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import type { JetStreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Output, Printed } from '#bus/bus'
import { logOf, probeLog } from '#contracts/subjects'
import { executionOf, linesOf, read, readAll, saying, textsOf } from './conformance-output.ts'
import { fresh, until } from './samples.ts'
import { serversOf } from './servers.ts'

const consumersOf = async (jsm: JetStreamManager) => (await jsm.streams.info('LOGS')).state.consumer_count

/** Messages where output is looked for that are none, for one reason each. */
const junk = async (nc: NatsConnection, { scope, key, part }: Output): Promise<number> => {
  const subject = logOf(scope, key, part)
  const headed = (more: Readonly<Record<string, string>> = {}) => {
    const h = headers()
    for (const [name, value] of Object.entries({ 'Millrace-Attempt': '1', 'Millrace-Delivery': '1', ...more }))
      h.set(name, value)
    return h
  }
  const body = JSON.stringify(saying('junk'))
  const messages = [
    { subject, body, headers: headers() },
    { subject, body, headers: headed({ 'Millrace-Attempt': 'x' }) },
    { subject, body, headers: headed({ 'Millrace-Delivery': '' }) },
    { subject, body, headers: headed({ 'Nats-Subject': 'events.tracking.p.train' }) },
    { subject, body: '[', headers: headed() },
    { subject, body: '{}', headers: headed() },
    { subject, body: '[{ "at": 1, "level": "loud", "text": "" }]', headers: headed() },
    { subject, body: '[{ "at": 1, "level": "info", "text": "", "more": [] }]', headers: headed() },
    { subject, body: new Uint8Array([255, 0, 1]), headers: headed() },
    { subject: `${subject}.more`, body, headers: headed() },
    { subject: probeLog, body, headers: headed() },
  ]
  for (const message of messages)
    await nc.request(message.subject, message.body, { headers: message.headers, timeout: 5000 })
  return messages.length
}

describe.concurrent('output on JetStream', () => {
  test('is handed on without what lies between that is none', async (context) => {
    const { start, open, administer, ending } = serversOf(context)
    const nats = await start()
    const [bus, { nc }] = [await open(nats), await administer(nats)]
    const of = executionOf(fresh())
    const live: Printed[] = []
    const waiting = bus.printed(of, (some) => live.push(...some), { live: true, signal: ending() })
    await bus.print(of, saying('before'))
    const passed = await junk(nc, of)
    await bus.print(of, saying('behind'))
    await junk(nc, of)
    const got = await readAll(bus, of)
    expect(textsOf(got)).toEqual(['before', 'behind'])
    expect((got[1]?.place ?? 0) - (got[0]?.place ?? 0)).toBe(passed + 1)
    await until(() => expect(live).toEqual(got))
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
  })

  test('is read without leaving a consumer behind', async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const [bus, { jsm }] = [await open(nats), await administer(nats)]
    const of = executionOf(fresh())
    await bus.print(of, saying('one'))
    await readAll(bus, of)
    expect(await consumersOf(jsm)).toBe(0)
    await expect(read(bus, of, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
    expect(await consumersOf(jsm)).toBe(0)
    const stop = new AbortController()
    const waiting = bus.printed(of, () => undefined, { live: true, signal: stop.signal })
    await until(async () => expect(await consumersOf(jsm)).toBe(1))
    stop.abort()
    await waiting
    expect(await consumersOf(jsm)).toBe(0)
  })

  test('begins with the oldest that has not expired', async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const [bus, { jsm }] = [await open(nats), await administer(nats)]
    const of = executionOf(fresh())
    for (const text of ['one', 'two', 'three']) await bus.print(of, saying(text))
    await jsm.streams.purge('LOGS', { seq: 3 })
    expect(textsOf(await readAll(bus, of))).toEqual(['three'])
    expect(textsOf(await readAll(bus, of, 1))).toEqual(['three'])
    await jsm.streams.purge('LOGS')
    expect(await readAll(bus, of, 1)).toEqual([])
  })

  test('that expires while it is read keeps nobody waiting', async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const [bus, { jsm }] = [await open(nats), await administer(nats)]
    const of = executionOf(fresh())
    for (let n = 0; n < 150; n++) await bus.print(of, saying(String(n)))
    let got = 0
    await read(bus, of, async (some) => {
      got += some.length
      await jsm.streams.purge('LOGS')
    })
    expect(got).toBeLessThanOrEqual(64)
  })

  test('that the server can not keep is refused, and so is what no stream would keep', async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const [bus, { jsm }] = [await open(nats), await administer(nats)]
    const of = executionOf(fresh())
    const { config } = await jsm.streams.info('LOGS')
    await jsm.streams.update('LOGS', { ...config, max_msg_size: 10_000 })
    await expect(bus.print(of, saying('x'.repeat(20_000)))).rejects.toMatchObject({ code: 'bus.refused' })
    await bus.print(of, saying('x'))
    await jsm.streams.delete('LOGS')
    await expect(bus.print(of, saying('x'))).rejects.toMatchObject({ code: 'bus.refused' })
  })

  test('is refused at once on a closed bus, and ends with it', async (context) => {
    const { start, open } = serversOf(context)
    const bus = await open(await start())
    const of = executionOf(fresh())
    for (let n = 0; n < 100; n++) await bus.print(of, saying(String(n)))
    await expect(read(bus, of, () => bus.close())).rejects.toMatchObject({ code: 'bus.closed' })
    await expect(bus.print(of, saying('x'))).rejects.toMatchObject({ code: 'bus.closed' })
    await expect(readAll(bus, of)).rejects.toMatchObject({ code: 'bus.closed' })
  })
})

describe.concurrent('output, while the server ends and comes back,', () => {
  test('is neither lost nor doubled for whoever waits for it', { timeout: 60_000 }, async (context) => {
    const { start, open, administer, ending } = serversOf(context)
    const nats = await start()
    const [printer, reader] = [await open(nats, 'printer'), await open(nats, 'reader')]
    const of = executionOf(fresh())
    const got: Printed[] = []
    const waiting = reader.printed(of, (some) => got.push(...some), { live: true, signal: ending() })
    const sent: string[] = []
    const print = async (count: number) => {
      for (let n = 0; n < count; n++) {
        await printer.print(of, saying(String(sent.length)))
        sent.push(String(sent.length))
      }
    }
    for (let restart = 0; restart < 3; restart++) {
      await print(100)
      await until(() => expect(got.length).toBeGreaterThan(0))
      const printing = print(100) // Under way while the server is killed: sent again, and kept once.
      await nats.kill()
      await nats.start()
      await printing
    }
    await print(1)
    await until(() => expect(got.length).toBeGreaterThanOrEqual(sent.length))
    expect(textsOf(got)).toEqual(sent)
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting')
    const { jsm } = await administer(nats)
    await until(async () => expect(await consumersOf(jsm)).toBe(1))
  })

  test('is read whole by whoever is in the midst of it', { timeout: 60_000 }, async (context) => {
    const { start, open } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    const of = executionOf(fresh())
    const lines = Array.from({ length: 400 }, (_, n) => saying(`${n} ${'x'.repeat(100_000)}`)).flat()
    await bus.print(of, lines)
    const got: Printed[] = []
    let restarts = 0
    await read(bus, of, async (some) => {
      got.push(...some)
      if (got.length < 60 * (restarts + 1) || restarts === 2) return
      restarts++
      await nats.kill()
      await nats.start()
    })
    expect(linesOf(got)).toEqual(lines)
    expect(restarts).toBe(2)
  })

  test('is kept once, though what the server said of it was lost', async (context) => {
    const { start, open, later } = serversOf(context)
    const nats = await start()
    const { url, lost } = await losingAnswers(nats.port, later)
    const [bus, direct] = [await open({ url }), await open(nats)]
    const of = executionOf(fresh())
    await bus.print(of, saying('x'))
    expect(lost()).toBe(1)
    expect(textsOf(await readAll(direct, of))).toEqual(['x'])
  })

  test('is refused where the server stays away', { timeout: 60_000 }, async (context) => {
    const { start, open } = serversOf(context)
    const nats = await start()
    const bus = await open(nats)
    await nats.kill()
    await until(() => expect(bus.connected()).toBe(false))
    const of = executionOf(fresh())
    const attempts = [bus.print(of, saying('x')), readAll(bus, of)]
    const ended = (await Promise.allSettled(attempts)) as PromiseRejectedResult[]
    expect(ended.map(({ reason }) => reason?.code)).toEqual(['bus.timeout', 'bus.timeout'])
  })
})

/** The server behind a port that breaks the connection when LOGS first says that it has stored something. */
const losingAnswers = async (port: number, later: (step: () => unknown) => void) => {
  let lost = 0
  const listener = createServer((client) => {
    const server = dial(port, '127.0.0.1')
    client.on('error', () => server.destroy()).pipe(server)
    client.on('close', () => server.destroy())
    server.on('error', () => client.destroy())
    server.on('data', (bytes) => {
      if (lost === 0 && bytes.includes('"stream":"LOGS"')) {
        lost++
        client.destroy()
      } else client.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  later(() => listener.close())
  return { url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`, lost: () => lost }
}
