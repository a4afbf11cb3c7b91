import { hash } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, type TestContext, test, vi } from 'vitest'
import { openBus } from '#bus/jetstream'
import type { Recorded } from '#contracts/envelope'
import { queryOf } from '#contracts/subjects'
import { eventsOf } from './events.ts'
import { startNats } from './nats.ts'
import { freePort, millrace, printedBy, stop, temporaryFolders } from './processes.ts'

const newFolder = temporaryFolders()

const hour = 3_600_000

type Rows = { readonly items: readonly Readonly<Record<string, unknown>>[] }

/** All processes of a machine whose clock can be set, on a server of another machine. */
const started = async (context: TestContext) => {
  const { onTestFinished } = context
  const [nats, folder] = [await startNats(), newFolder()]
  const clock = join(folder, 'clock')
  let ahead = 0
  const set = (milliseconds: number) => {
    ahead = milliseconds
    writeFileSync(clock, String(milliseconds))
  }
  set(0)
  const preload = pathToFileURL(join(import.meta.dirname, 'shifted-clock.ts')).href
  const args = ['up', 'test/configs/clock.ts', '--nats', nats.url, '--base', folder, '--state', join(folder, 'state')]
  const machine = {
    MILLRACE_TEST_CLOCK: clock,
    NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --import=${preload}`,
  }
  const up = printedBy(context, 'up', millrace([...args, '--port', String(await freePort())], machine))
  onTestFinished(async () => {
    await stop(up)
    await nats.stop()
  })
  await up.says(/Ctrl-C stops/)
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  onTestFinished(bus.close)
  /** Puts a file there, as old as it is by the machine's clock. */
  const drop = (path: string) => {
    writeFileSync(join(folder, path), path)
    const now = (Date.now() + ahead) / 1000
    utimesSync(join(folder, path), now, now)
  }
  const until = async (is: (events: readonly Recorded[]) => boolean): Promise<void> => {
    while (!is(await eventsOf(bus))) await delay(50)
  }
  const ask = async <T = Rows>(view: string, pipeline: string, params: object = {}): Promise<T> => {
    for (;;) {
      const after = `${bus.logId}.${await bus.head()}`
      const asked = bus.request(queryOf(view, pipeline, bus.principal), { ...params, after })
      const answer = await asked.catch(() => undefined)
      if (answer) return answer as T
    }
  }
  return { nats, up, bus, set, drop, until, ask }
}

const has = (type: string, about: object) => (events: readonly Recorded[]) =>
  events.some((one) => one.type === type && Object.entries(about).every(([key, value]) => said(one, key) === value))
const said = ({ address, data }: Recorded, key: string): unknown =>
  key === 'run' ? `${address.scope}/${address.key}` : (data as Readonly<Record<string, unknown>>)[key]

test.concurrent.for([
  ['back', -hour],
  ['forward', hour],
] as const)(
  'a clock set %s an hour changes no timeout, retry or deadline, no order and no duration, and files are still taken',
  { timeout: 120_000 },
  async ([, shift], context) => {
    const { up, bus, set, drop, until, ask } = await started(context)
    drop('inbox/before')
    drop('late/one')
    await until(has('run.node-retry-set', { run: 'ticking/0', part: 'ticking/flaky' }))
    await until(has('run.node-started', { run: 'ticking/0', part: 'ticking/hangs' }))
    await until(has('run.node-started', { run: 'late/0' }))
    set(shift)
    for (const name of ['inbox/while', 'inbox/also']) {
      drop(name)
      await until(has('artifact.detected', { path: name.slice('inbox/'.length) }))
    }
    // Nobody is away meanwhile, and nothing is thought to be.
    const away = new Set<unknown>()
    const hosts = new Set<string>()
    while (!has('run.succeeded', { run: 'ticking/1' })(await eventsOf(bus))) {
      const { nodes } = await ask<{ nodes: Rows['items'] }>('graph', 'ticking')
      for (const { part, state, reason } of nodes)
        if (state === 'host away' || String(reason).includes('away')) away.add(part)
      for (const { host } of await bus.present()) hosts.add(host)
      await delay(100)
    }
    await until(has('run.timed-out', { run: 'late/0' }))
    expect(away).toEqual(new Set())
    expect([...hosts]).toEqual([expect.stringMatching(/clock$/)])

    const events = await eventsOf(bus)
    const of = (run: string, type: string, part: string) =>
      events.filter((one) => one.type === type && said(one, 'run') === run && said(one, 'part') === part)
    const [begun, again] = of('ticking/0', 'run.node-started', 'ticking/flaky')
    const [failed] = of('ticking/0', 'run.node-failed', 'ticking/flaky')
    expect(begun && failed && again).toBeTruthy()
    const waited = Number(again?.storedAt) - Number(failed?.storedAt)
    expect(waited).toBeGreaterThanOrEqual(6_000)
    expect(waited).toBeLessThan(60_000)
    const [hung, hungAgain] = of('ticking/0', 'run.node-started', 'ticking/hangs')
    expect(of('ticking/0', 'run.node-failed', 'ticking/hangs')).toMatchObject([
      { data: { reason: 'It took longer than its timeout of 5 s' } },
    ])
    expect(Number(hungAgain?.storedAt) - Number(hung?.storedAt)).toBeGreaterThanOrEqual(5_000)
    expect(has('run.succeeded', { run: 'ticking/0' })(events)).toBe(true)

    // What the host says of the time has jumped; what the log says has not, and its order is that in which it happened.
    const claimed = events
      .filter(({ type }) => type === 'artifact.detected')
      .filter(({ address }) => address.scope === 'ticking')
    expect(claimed.map((one) => said(one, 'path'))).toEqual(['before', 'while', 'also'])
    const off = claimed.map(({ time, storedAt }) => Math.abs(Date.parse(time) - storedAt) > hour / 2)
    expect(off).toEqual([false, true, true])
    for (const [at, { storedAt }] of events.entries())
      expect(storedAt).toBeGreaterThanOrEqual(events[at - 1]?.storedAt ?? 0)
    const offers = events.filter(({ type, address }) => type === 'pipeline.run-planned' && address.scope === 'ticking')
    expect(offers.map(({ data }) => (data as { offers: { count: number }[] }).offers[0]?.count)).toEqual([1, 2])
    const lines: string[] = []
    await bus.printed(
      { scope: 'ticking', key: '0', part: 'ticking/hangs' },
      (some) => void lines.push(...some.flatMap((one) => one.lines.map(({ text }) => text))),
      { live: false, signal: new AbortController().signal },
    )
    expect(lines).toEqual(['attempt 1 begins', 'attempt 1 ends', 'attempt 2 begins', 'attempt 2 ends'])

    const took = (row: Readonly<Record<string, unknown>>, from: string, to: string) =>
      Date.parse(String(row[to])) - Date.parse(String(row[from]))
    const durations = [
      ...(await ask('runs', 'ticking')).items.map((row) => took(row, 'startedAt', 'endedAt')),
      ...(await ask('attempts', 'ticking')).items.map((row) => took(row, 'startedAt', 'endedAt')),
      ...(await ask<{ spans: Rows['items'] }>('spans', 'ticking', { pipeline: 'ticking', run: 0 })).spans
        .filter(({ to }) => to !== null)
        .map((row) => took(row, 'from', 'to')),
    ]
    expect(durations.length).toBeGreaterThan(10)
    for (const milliseconds of durations) {
      expect(milliseconds).toBeGreaterThanOrEqual(0)
      expect(milliseconds).toBeLessThan(120_000)
    }
    expect(await stop(up)).toBe(0)
  },
)

test.concurrent('a host whose clock was set back comes back to the bus as soon as that is back, with what came meanwhile', async (context) => {
  const { nats, up, set, drop, until } = await started(context)
  set(-hour)
  await nats.kill()
  drop('inbox/while')
  await nats.start()
  await until(has('artifact.detected', { path: 'while' }))
  await until(has('run.node-started', { run: 'ticking/0', part: 'ticking/flaky' }))
  expect(await stop(up)).toBe(0)
}, 60_000)

test('chunks of an upload that is under way are not swept as old by a host whose clock is an hour ahead', async () => {
  const nats = await startNats()
  const bus = await openBus({ url: nats.url, principal: 'trainer' })
  const { promise: more, resolve: goOn } = Promise.withResolvers<void>()
  const bytes = Buffer.alloc(1 << 20, 7)
  const upload = new ReadableStream<Uint8Array>({
    start: (out) => out.enqueue(bytes),
    pull: async (out) => {
      await more
      out.enqueue(bytes)
      out.close()
    },
  })
  const digest = hash('sha256', Buffer.concat([bytes, bytes]))
  const put = bus.buckets.put('trainer', digest, () => upload)
  const connection = await connect({ servers: nats.url })
  const jsm = await jetstreamManager(connection)
  const stored = async () =>
    (await jsm.streams.info('OBJ_artifacts-trainer').catch(() => undefined))?.state.messages ?? 0
  while ((await stored()) === 0) await delay(20)
  const { now } = Date
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + hour)
  expect(await bus.buckets.sweep('trainer', hour)).toBe(0)
  clock.mockRestore()
  goOn()
  await put
  const got: Uint8Array[] = []
  for await (const chunk of bus.buckets.get('trainer', digest, new AbortController().signal)) got.push(chunk)
  expect(hash('sha256', Buffer.concat(got))).toBe(digest)
  await connection.close()
  await bus.close()
  await nats.stop()
})
