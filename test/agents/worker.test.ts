import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHoldings, takeLeftovers } from '#agents/holdings'
import { type Local, openLocal } from '#agents/local'
import { firstEventsOf } from '#agents/pipelines/consequences'
import { openLedger } from '#agents/pipelines/ledger'
import type { Result } from '#agents/pipelines/messages'
import { type NodeWorker, workOn } from '#agents/pipelines/node-work'
import { run } from '#agents/pipelines/run'
import type { Execution } from '#agents/pipelines/run-state'
import type { Lost } from '#agents/result'
import { atMost } from '#agents/turns'
import { aborted } from '#bus/abort'
import type { Bus, Work } from '#bus/bus'
import { own } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'
import type { RunEvent } from '#contracts/run'
import { temporaryFolder } from './on-disk.ts'

const address = { aggregate: 'run', scope: 'p', key: '0' }
const local = (): Local => openLocal(join(temporaryFolder(), 'host.db'))

/** A run of one node that is to be executed, its owner, and hosts that can execute it. */
const runOfOne = async (lease = 30_000, timeout?: number) => {
  const hub = memoryHub({ lease })
  const bus = hub.connect('owner')
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  own(bus, run, 'p', stop.signal)
  void dispatch(bus, stop.signal)
  const plan = { run: 0, graph: 'a'.repeat(64), trigger: { kind: 'files' as const, message: '' }, offers: [] }
  const nodes = [{ part: 'p/a', kind: 'action' as const, after: [], ...(timeout !== undefined && { timeout }) }]
  const about = { version: 1, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
  const events = firstEventsOf({ type: 'run.planned', data: { ...plan, nodes } })
  const numbered = events.map((event, at) => ({ ...about, ...event, id: `x-${at}` }))
  await bus.append([{ address, expectedVersion: 0, events: numbered }])

  /** Starts a host; `asleep`: its signs of life never reach the server; `asked`: told that it has asked who else would do it. */
  const host = (
    name: string,
    execute: (execution: Execution, signal: AbortSignal) => Promise<Result | Lost>,
    {
      asleep = false,
      db = local(),
      asked = () => undefined,
      ...more
    }: { asleep?: boolean; db?: Local; asked?: () => void } & Pick<NodeWorker, 'inTurn' | 'patience'> = {},
  ) => {
    const ending = new AbortController()
    const signal = AbortSignal.any([stop.signal, ending.signal])
    const own = hub.connect(name)
    const outbox = openOutbox(db, name)
    void outbox.send(own, signal)
    const take: Bus['take'] = (where, agent, handle, options) =>
      own.take(
        where,
        agent,
        (piece) => {
          const wanted = () => piece.wanted().finally(asked)
          return handle({ ...piece, wanted, ...(asleep && { working: async () => undefined }) })
        },
        options,
      )
    const ended = workOn(
      {
        bus: { ...own, take },
        local: db,
        outbox,
        host: name,
        instance: name,
        say: () => undefined,
        signal,
        execute: (_, execution, abort) => execute(execution, abort),
        ...more,
      },
      'p/a',
    )
    const end = () => {
      ending.abort()
      return ended
    }
    return { end }
  }
  /** Resolves with the event of this type, once it is there. */
  const recorded = async <Type extends RunEvent['type']>(type: Type, times = 1) => {
    for (;;) {
      const found = (await bus.read(address)).events.filter((event) => event.type === type)
      if (found.length >= times) return found.map(({ data }) => data as Extract<RunEvent, { type: Type }>['data'])
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { hub, bus, host, recorded, stop }
}

const succeeded = { outcome: 'succeeded' } as const
const never = () => new Promise<never>(() => undefined)

test('a process that was superseded leaves the work to whoever has it, though it comes to an end first', async () => {
  const { host, recorded } = await runOfOne(150)
  const { promise: over, resolve: end } = Promise.withResolvers<Result>()
  host('a', () => over, { asleep: true })
  await recorded('run.node-started')
  host('b', never, { asleep: true })
  await recorded('run.node-started', 2)
  end(succeeded)
  await recorded('run.report-ignored')
  // As if b had been killed by now: its lease runs out, and the work is somebody's once more.
  host('c', async () => succeeded)
  await recorded('run.succeeded')
  const starts = await recorded('run.node-started')
  expect(starts.at(-1)?.delivery).toBeGreaterThan(2)
})

test('a host that is full leaves what it has not begun to one that is not', async () => {
  const { host, recorded } = await runOfOne()
  const inTurn = atMost(1)
  const long = Promise.withResolvers<void>()
  void inTurn(() => long.promise)
  let delivered = 0
  const full: NodeWorker['inTurn'] = (task) => {
    delivered++
    return inTurn(task)
  }
  host('full', async () => succeeded, { inTurn: full, patience: 50 })
  await expect.poll(() => delivered).toBe(1)
  host('idle', async () => succeeded)
  await recorded('run.succeeded')
  long.resolve()
  expect(await recorded('run.node-started')).toMatchObject([{ host: 'idle', delivery: 2 }])
})

test('a host that is full keeps its turn where nobody else could do it', async () => {
  const { host, recorded } = await runOfOne()
  const inTurn = atMost(1)
  const long = Promise.withResolvers<void>()
  void inTurn(() => long.promise)
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  host('full', async () => succeeded, { inTurn, patience: 50, asked: resolve })
  await asked
  long.resolve()
  await recorded('run.succeeded')
  expect(await recorded('run.node-started')).toMatchObject([{ host: 'full', delivery: 1 }])
})

test.each([
  ['breaks', 'errored'],
  ['says no', 'failed'],
] as const)('what %s when its host stops is executed again elsewhere', async (_, outcome) => {
  const { host, recorded } = await runOfOne()
  const first = host('a', (__, signal) => aborted(signal).then(() => ({ outcome, reason: 'stopped' })))
  await recorded('run.node-started')
  await first.end()
  host('b', async () => succeeded)
  await recorded('run.succeeded')
  expect(await recorded('run.node-started')).toMatchObject([{ host: 'a' }, { host: 'b' }])
})

test('a result that was written down is reported, though its host is full and the work had been in other hands', async () => {
  const { bus, host, recorded } = await runOfOne()
  const db = local()
  const [piece] = await deliveries(bus, 2)
  const holdings = openHoldings<Execution, Result>(db, { where: 'p', agent: 'a' })
  const old = { part: 'p/a', attempt: 1, delivery: 1, instance: 'a' }
  const about = { version: 1, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
  const started = (delivery: number, instance: string) => ({
    ...{ ...about, id: `s-${delivery}`, type: 'run.node-started' },
    data: { ...old, delivery, instance, host: instance },
  })
  const { version: expectedVersion } = await bus.read(address)
  await bus.append([{ address, expectedVersion, events: [started(1, 'a'), started(2, 'b')] }])
  holdings.keepResult(piece as Work, { execution: old, result: { outcome: 'succeeded', message: 'three hours' } })
  let executed = 0
  const execute = async () => {
    executed++
    return succeeded
  }
  host('a', execute, { db, inTurn: never })
  expect(await recorded('run.node-succeeded')).toMatchObject([{ delivery: 3, instance: 'a', message: 'three hours' }])
  expect(executed).toBe(0)
})

test('work that a host gave back because it stopped is no failure of the work', async () => {
  const { host, recorded } = await runOfOne()
  const db = local()
  for (let times = 1; times <= 12; times++) {
    const { end } = host(
      'a',
      (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ outcome: 'errored', reason: 'stopped' }))
        }),
      { db },
    )
    await recorded('run.node-started', times)
    await end()
  }
  expect(db.prepare('select count(*) as n from holdings').get()).toEqual({ n: 0 })
  // Nor for a host that had no part in it.
  host('b', async () => succeeded)
  await recorded('run.succeeded')
})

test('work during which its host dies again and again is given up there, and said to be', async () => {
  const { bus, host, recorded } = await runOfOne()
  const db = local()
  const [piece] = await deliveries(bus, 1)
  const holdings = openHoldings<Execution, Result>(db, { where: 'p', agent: 'a' })
  for (let times = 1; times <= 10; times++) holdings.begin(piece as Work)
  host('a', async () => succeeded, { db })
  expect(await recorded('run.node-failed')).toMatchObject([{ how: 'errored', reason: /without a result/ }])
  expect(await bus.dead()).toMatchObject([{ where: 'p', agent: 'a' }])
})

test('a process that is killed three times is what the node comes to, however often its host was restarted', async () => {
  const { host, recorded } = await runOfOne()
  let kills = 0
  const execute = async (): Promise<Lost> => {
    kills++
    return { outcome: 'lost', reason: 'killed by SIGKILL' }
  }
  host('a', execute)
  expect(await recorded('run.node-failed')).toMatchObject([{ how: 'errored', reason: 'killed by SIGKILL' }])
  expect(kills).toBe(3)
}, 15_000)

/** Goes on until it is told to stop, and then comes to an end. */
const untilStopped = (_: Execution, signal: AbortSignal): Promise<Result> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ outcome: 'succeeded' }), { once: true })
  })

test('what takes longer than its timeout is told to stop, and has broken when it has, whatever it came to', async () => {
  const { host, recorded } = await runOfOne(30_000, 50)
  host('a', untilStopped)
  const reason = 'It took longer than its timeout of 0.05 s'
  expect(await recorded('run.node-failed')).toMatchObject([{ how: 'errored', reason }])
})

test('the time in which nobody could execute a node is not held against it', async () => {
  const { bus, host, recorded } = await runOfOne(1_000, 200)
  // Killed while it executed: nothing is given back, and it never beats again.
  const old = { part: 'p/a', attempt: 1, delivery: 1, instance: 'killed' }
  const begun = { version: 1, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
  const event = { ...begun, id: 's-1', type: 'run.node-started', data: { ...old, host: 'killed' } }
  await deliveries(bus, 1, 1_000) // It comes again after longer than it may take.
  const { version: expectedVersion } = await bus.read(address)
  await bus.append([{ address, expectedVersion, events: [event] }])
  host('a', async (_, signal) => {
    await new Promise((resolve) => setTimeout(resolve, 100)) // Half of what it may take.
    return signal.aborted ? { outcome: 'errored', reason: 'told to stop' } : succeeded
  })
  await recorded('run.succeeded')
  expect(await recorded('run.node-started', 2)).toMatchObject([{ instance: 'killed' }, { instance: 'a' }])
})

test('however much a function has to say about its failure, the run can record it', async () => {
  const { host, recorded } = await runOfOne()
  host('a', async () => ({ outcome: 'errored', reason: 'x'.repeat(2_000_000) }))
  const [failed] = await recorded('run.node-failed')
  expect(failed?.reason.length).toBeLessThan(11_000)
})

test('a receipt is good as long as its lease: later, the work may be in other hands', () => {
  const db = local()
  const holdings = openHoldings(db, { where: 'p', agent: 'a' })
  const piece = (id: string) => ({ event: { id, type: 'run.node-scheduled' }, receipt: `of ${id}` }) as Work
  for (const id of ['fresh', 'old', 'ahead', 'done', 'returned']) holdings.hold(piece(id), Date.now())
  db.prepare("update holdings set renewed = renewed - 40000 where event = 'old'").run()
  db.prepare("update holdings set renewed = renewed + 40000 where event = 'ahead'").run() // The clock was set back.
  holdings.forget(piece('done'))
  holdings.giveBack(piece('returned'))
  expect(takeLeftovers(db, 30_000)).toEqual(['of fresh'])
  expect(takeLeftovers(db, 30_000)).toEqual([])
})

/** Takes the one piece of work so many times, and gives it back each time, to come again after so many milliseconds. */
const deliveries = async (bus: Bus, times: number, after = 0): Promise<Work[]> => {
  const stop = new AbortController()
  const taken: Work[] = []
  await bus.take(
    'p',
    'a',
    async (piece) => {
      taken.push(piece)
      if (taken.length === times) stop.abort()
      piece.postpone(after)
    },
    { concurrency: 1, signal: stop.signal },
  )
  return taken
}

test('a host goes on with what an earlier version of it had kept', () => {
  const path = join(temporaryFolder(), 'host.db')
  const before = openLocal(path)
  before.exec(`
    drop table promises; create table promises (store text, path text, digest text, origin text, primary key (store, path));
    alter table files drop column delivery; alter table tries drop column begun;
    insert into tries (event, lost) values ('x', 2);
    insert into results values ('x', '{"part":"p/a"}', '{"outcome":"succeeded"}')`)
  before.close()
  const after = openLocal(path)
  const piece = { event: { id: 'x', type: 'run.node-scheduled' } } as Work
  const holdings = openHoldings(after, { where: 'p', agent: 'a' })
  expect(holdings.begin(piece)).toBe(1)
  expect(holdings.wasLost(piece)).toBe(3)
  expect(holdings.resultOf(piece)).toEqual({ execution: { part: 'p/a' }, result: { outcome: 'succeeded' } })
  // What a success asks for is kept for each node that it names.
  const next = { event: { id: 'y', type: 'run.node-succeeded' } } as Work
  expect([holdings.begin(next), openHoldings(after, { where: 'p', agent: 'b' }).begin(next)]).toEqual([1, 1])
  openLedger('root/in', after).existing('old')
})
