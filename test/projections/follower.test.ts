import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test, vi } from 'vitest'
import type { Batch, Bus } from '#bus/bus'
import { takeLock } from '#bus/lock'
import { memoryBus } from '#bus/memory'
import { metadata } from '#projections/metadata'
import type { Page } from '#projections/view'
import { countOf, measured } from './metrics.ts'
import { folder, rootGraph, teller, watching } from './story.ts'

/** A log that hands on what the test says, in the batches that it says. */
const handing = (bus: Bus, batches: readonly Batch[]): Bus => ({
  ...bus,
  head: async () => batches.at(-1)?.upTo ?? 0,
  follow: async (after, handle, signal) => {
    for (const batch of batches) if (batch.upTo > after.sequence) await handle(batch)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  },
})

const recordedOn = async (bus: Bus) => {
  const taken: Batch[] = []
  const stop = new AbortController()
  const head = await bus.head()
  await bus.follow(
    { logId: bus.logId, sequence: 0 },
    (batch) => {
      taken.push(batch)
      if (batch.upTo >= head) stop.abort()
    },
    stop.signal,
  )
  return taken.flatMap(({ events }) => events)
}

test('what is applied once is not applied again, whatever the batches are', async () => {
  const bus = memoryBus()
  await teller(bus).define(rootGraph)
  await measured(bus, 5)
  const events = await recordedOn(bus)
  const batch = (from: number, to: number): Batch => ({
    events: events.slice(from, to),
    upTo: to,
    dropped: 0,
    pending: 0,
  })
  const { viewer, follower } = await watching(handing(bus, [batch(0, 3), batch(0, 5), batch(2, 6), batch(0, 6)]))
  await follower.waitFor(`${bus.logId}.6`, 5_000)
  expect(await countOf(viewer)).toBe(5)
})

test('a follower goes on where the file says it was', async () => {
  const bus = memoryBus()
  await measured(bus, 3)
  const first = await watching(bus)
  await first.caughtUp()
  await first.end()
  await measured(bus, 2)
  const follow = vi.fn(bus.follow)
  const second = await watching({ ...bus, follow }, { path: first.path })
  await second.caughtUp()
  expect(follow.mock.calls[0]?.[0]).toMatchObject({ logId: bus.logId, sequence: 3, lastSequence: 3 })
  expect(await countOf(second.viewer)).toBe(5)
})

test('an event that breaks its contract is kept aside, and the next ones are applied', async () => {
  const bus = memoryBus()
  const { fact, raw } = teller(bus)
  await fact('tracking.metric-logged', 'root', 'script', { key: 'k', value: 'not a number' })
  await fact('nothing.known', 'root', 'script', {})
  await raw({ aggregate: 'tracking', scope: 'root', key: 'script' }, 'tracking.tagged', { key: 'k', value: 'v' }, 9)
  await fact('run.succeeded', 'root', 'no-number', {})
  await measured(bus)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const { items } = (await viewer.ask('rejected', {})).value as Page
  expect(items.map(({ reason }) => reason)).toEqual([
    expect.stringMatching('value: '),
    expect.stringMatching("no event is called 'nothing.known'"),
    expect.stringMatching('version 9'),
    expect.stringMatching('no number'),
  ])
  expect(await countOf(viewer)).toBe(1)
  expect((await viewer.ask('status', {})).value).toMatchObject({
    degraded: true,
    rejected: 4,
    state: 'following',
    lag: 0,
  })
})

test('messages that were no events are counted', async () => {
  const bus = memoryBus()
  await measured(bus, 2)
  const events = await recordedOn(bus)
  const { viewer, follower } = await watching(handing(bus, [{ events, upTo: 9, dropped: 7, pending: 0 }]))
  await follower.waitFor(`${bus.logId}.9`, 5_000)
  expect((await viewer.ask('status', {})).value).toMatchObject({ dropped: 7 })
})

test('an exception in a handler halts there, keeps what came before, and answers those who wait', async () => {
  const bus = memoryBus()
  await measured(bus, 3)
  await teller(bus).fact('tracking.tagged', 'root', 'script', { key: 'bad', value: 'bad' })
  await measured(bus, 3)
  const broken = {
    ...metadata,
    on: {
      ...metadata.on,
      'tracking.tagged': () => {
        throw new Error('no room')
      },
    },
  }
  const { viewer, follower, lines } = await watching(bus, { projection: broken })
  await expect(follower.waitFor(`${bus.logId}.7`, 5_000)).rejects.toMatchObject({ code: 'projection.halted' })
  await expect(viewer.ask('metrics', { after: `${bus.logId}.7` })).rejects.toMatchObject({ code: 'projection.halted' })
  expect(await countOf(viewer)).toBe(3)
  expect(follower.now()).toMatchObject({ state: 'halted', halted: { position: `${bus.logId}.4`, reason: 'no room' } })
  expect(lines.join()).toMatch('tracking.tagged')
})

test('while another program holds the database nothing halts and nothing is lost, and it is said once', async () => {
  const bus = memoryBus()
  const { path, viewer, follower, lines, caughtUp } = await watching(bus)
  await caughtUp()
  const other = new Database(path)
  other.exec('begin immediate')
  const position = await measured(bus, 3)
  await vi.waitFor(() => expect(lines.join()).toMatch('locked'), 20_000)
  expect(follower.now()).toMatchObject({ state: 'catching up', sequence: 0 })
  expect(await countOf(viewer)).toBe(0)
  other.close()
  await follower.waitFor(position, 5_000)
  expect(follower.now().state).toBe('following')
  expect(await countOf(viewer)).toBe(3)
  expect(lines).toHaveLength(1)
})

describe('waiting', () => {
  test('ends when the position is reached', async () => {
    const bus = memoryBus()
    const { viewer } = await watching(bus)
    const position = await measured(bus)
    const answer = await viewer.ask('metrics', { after: position })
    expect((answer.value as Page).items).toHaveLength(1)
    expect(answer.position).toBe(position)
  })

  test('is bounded', async () => {
    const bus = memoryBus()
    const { follower } = await watching(bus)
    await expect(follower.waitFor(`${bus.logId}.9`, 10)).rejects.toMatchObject({ code: 'projection.behind' })
  })

  test('refuses a position of another log', async () => {
    const { viewer } = await watching(memoryBus())
    await expect(viewer.ask('runs', { after: 'other.1' })).rejects.toMatchObject({ code: 'query.other-log' })
  })
})

test('one writer at a time keeps a database', async () => {
  const bus = memoryBus()
  const { path } = await watching(bus)
  await expect(watching(bus, { path })).rejects.toMatchObject({ code: 'lock.held' })
})

test('where another writer has the lock, no file is looked at or made', async () => {
  const path = join(await folder(), 'metadata.db')
  const lock = await takeLock(`${path}.lock`, 'A database')
  await expect(watching(memoryBus(), { path })).rejects.toMatchObject({ code: 'lock.held' })
  expect(existsSync(path)).toBe(false)
  await lock.release()
})

test("somebody else's database is left alone", async () => {
  const path = join(await folder(), 'metadata.db')
  const db = new Database(path)
  db.exec('create table runs (id integer)')
  db.close()
  await expect(watching(memoryBus(), { path })).rejects.toMatchObject({ code: 'projection.foreign' })
  const text = join(await folder(), 'notes.txt')
  writeFileSync(
    text,
    'these are my notes, and they are longer than a header of SQLite would be: keep them for me, please',
  )
  await expect(watching(memoryBus(), { path: text })).rejects.toMatchObject({ code: 'projection.foreign' })
  expect(readFileSync(text, 'utf8')).toMatch('keep them')
})
