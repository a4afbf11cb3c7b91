import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { memoryBus } from '#bus/memory'
import { inspect, openDatabase } from '#projections/database'
import { follow } from '#projections/follower'
import { makeIndexes } from '#projections/indexes'
import { metadata } from '#projections/metadata'
import { openReader } from '#projections/reader'
import { countOf, measured } from './metrics.ts'
import { folder, watching } from './story.ts'

/** A bus that is away whenever the end of its log is asked for, for the first so many times. */
const away = (bus: Bus, times: number): Bus & { readonly asked: () => number } => {
  let asked = 0
  const head = async () => {
    asked++
    if (asked <= times) throw faults.timeout('The head of the log', 10_000)
    return bus.head()
  }
  return { ...bus, head, asked: () => asked }
}

/** A database that another program holds, as SQLite's own shell would with a file that is no longer a WAL one. */
const heldBy = (path: string) => {
  const other = new Database(path)
  other.pragma('journal_mode = delete')
  other.exec('begin exclusive')
  onTestFinished(() => void other.close())
  return other
}

test('a follower waits for a bus that is away when it begins, and then follows', async () => {
  const bus = memoryBus()
  const position = await measured(bus, 2)
  const { follower, viewer, lines } = await watching(away(bus, 3))
  await follower.waitFor(position, 5_000)
  expect(await countOf(viewer)).toBe(2)
  expect(lines.join()).toMatch(/can't be followed for now: The head of the log gave no answer/)
})

test('a rebuild that is being placed waits for a bus that is away', async () => {
  const bus = memoryBus()
  await measured(bus, 2)
  const first = await watching(bus, { projection: { ...metadata, version: 0 } })
  await first.caughtUp()
  await first.end()
  const flaky = away(bus, 5)
  const { follower, viewer } = await watching(flaky, { path: first.path })
  await vi.waitFor(() => expect(follower.now()).toMatchObject({ sequence: 2, state: 'following' }), 20_000)
  expect(flaky.asked()).toBeGreaterThan(5)
  expect(await countOf(viewer)).toBe(2)
})

test('what has been read already can be waited for while the bus is away', async () => {
  const bus = memoryBus()
  const after = await measured(bus, 2)
  const first = await watching(bus)
  await first.caughtUp()
  await first.end()
  const { viewer, follower } = await watching(away(bus, 1_000), { path: first.path })
  expect(await viewer.ask('metrics', { after })).toMatchObject({ position: after })
  expect(follower.now().state).toBe('catching up')
})

test('a follower that waits for its bus ends at once when it is told to', async () => {
  const bus = memoryBus()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const head = () => {
    resolve()
    return new Promise<never>(() => undefined)
  }
  const { end } = await watching({ ...bus, head })
  await asked
  await end()
})

test('a fault that no patience mends ends the follower', async () => {
  const bus = { ...memoryBus(), head: () => Promise.reject(faults.closed('read the head of the log')) }
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const path = join(await folder(), 'metadata.db')
  const { ended } = await follow({ bus, path, projection: metadata, signal: stop.signal })
  await expect(ended).rejects.toMatchObject({ code: 'bus.closed' })
})

test('a database that another program holds is busy, and is not taken for a foreign one', async () => {
  const path = join(await folder(), 'metadata.db')
  openDatabase(path, metadata, 'log').close()
  const other = heldBy(path)
  expect(() => inspect(path)).toThrow(expect.objectContaining({ code: 'projection.busy' }))
  other.close()
  expect(inspect(path)).toMatchObject({ is: 'ours', logId: 'log' })
})

test('a follower waits until another program lets its database go', async () => {
  const bus = memoryBus()
  await measured(bus, 2)
  const { path, caughtUp, end } = await watching(bus)
  await caughtUp()
  await end()
  const other = heldBy(path)
  const lines: string[] = []
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const say = (line: string) => void lines.push(line)
  const following = follow({ bus, path, projection: metadata, signal: stop.signal, say })
  await vi.waitFor(() => expect(lines.join()).toMatch("can't be opened for now"), 20_000)
  other.close()
  const follower = await following
  await follower.waitFor(`${bus.logId}.2`, 5_000)
  stop.abort()
  await follower.ended
})

test('an index waits until the disk has room for it', async () => {
  const db = openDatabase(join(await folder(), 'metadata.db'), metadata, 'log')
  onTestFinished(() => void db.close())
  db.exec(
    'create table large (text); with recursive n(i) as (values (1) union all select i + 1 from n where i < 2000) insert into large select hex(randomblob(50)) from n',
  )
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`)
  const lines: string[] = []
  const room = (reason: string) => {
    lines.push(reason)
    db.pragma('max_page_count = 1000000')
  }
  await makeIndexes(db, ['create index large_text on large (text)'], new AbortController().signal, room)
  expect(lines).toEqual([expect.stringMatching('full')])
  expect(db.pragma('index_list(large)')).toHaveLength(1)
})

test('a database that cannot be opened is said to be in the making, whatever stands in its way', async () => {
  const path = join(await folder(), 'metadata.db')
  const reader = openReader(path, metadata)
  const isRebuilt = expect.objectContaining({ code: 'projection.rebuilding' })
  expect(() => reader.read(() => undefined)).toThrow(isRebuilt)
  writeFileSync(path, 'these are notes, and they are longer than a header of SQLite is. '.repeat(10))
  expect(() => reader.read(() => undefined)).toThrow(isRebuilt)
  rmSync(path)
  mkdirSync(path)
  expect(() => reader.read(() => undefined)).toThrow(isRebuilt)
  reader.close()
})
