import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { describe, expect, test, vi } from 'vitest'
import type { Bus } from '#bus/bus'
import { memoryBus, memoryHub } from '#bus/memory'
import { follow as followInto } from '#projections/follower'
import { metadata } from '#projections/metadata'
import { countOf, measured } from './metrics.ts'
import { watching } from './story.ts'

describe('a rebuild', () => {
  test('on demand puts another file in place, while the old one is followed and read', async () => {
    const bus = memoryBus()
    await measured(bus, 4)
    const { path, viewer, follower, caughtUp } = await watching(bus)
    await caughtUp()
    const file = statSync(path).ino
    expect(await countOf(viewer)).toBe(4)
    await follower.rebuild()
    expect(statSync(path).ino).not.toBe(file)
    await measured(bus, 1)
    await caughtUp()
    expect(await countOf(viewer)).toBe(5)
  })

  test('of another version is read in its old form until it has caught up', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const first = await watching(bus, { projection: { ...metadata, version: 0 } })
    await first.caughtUp()
    await first.end()
    await measured(bus, 2)
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const slow: Bus = { ...bus, head: () => held.then(bus.head) }
    const second = await watching(slow, { path: first.path })
    expect(await countOf(second.viewer)).toBe(2)
    expect(second.follower.now().state).toBe('rebuilding')
    letGo()
    await second.follower.waitFor(`${bus.logId}.4`, 5_000)
    expect(await countOf(second.viewer)).toBe(4)
    expect(second.lines.join('\n')).toMatch('metadata 0, and this version keeps metadata 8')
  })

  test('follows when the log is another one', async () => {
    const first = await watching(memoryBus())
    await first.end()
    const bus = memoryBus()
    await measured(bus, 2)
    const { viewer, caughtUp, lines } = await watching(bus, { path: first.path })
    await caughtUp()
    expect(await countOf(viewer)).toBe(2)
    expect(lines.join()).toMatch('made from log')
  })

  test('follows when the log has become shorter', async () => {
    const logId = 'same'
    const long = memoryHub({ logId }).connect('a')
    await measured(long, 3)
    const first = await watching(long)
    await first.caughtUp()
    await first.end()
    const short = memoryHub({ logId }).connect('a')
    await measured(short, 1)
    const { viewer, lines, follower } = await watching(short, { path: first.path })
    await vi.waitFor(() => expect(follower.now()).toMatchObject({ sequence: 1, state: 'following' }), 20_000)
    expect(await countOf(viewer)).toBe(1)
    expect(lines.join()).toMatch('The log ends at 1')
  })

  test('that halts leaves the old file as it was', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const first = await watching(bus, { projection: { ...metadata, version: 0 } })
    await first.caughtUp()
    await first.end()
    const broken = () => {
      throw new Error('no room')
    }
    const on = { ...metadata.on, 'tracking.metric-logged': broken }
    const { viewer, follower } = await watching(bus, { path: first.path, projection: { ...metadata, on } })
    await expect(follower.waitFor(`${bus.logId}.2`, 5_000)).rejects.toMatchObject({ code: 'projection.halted' })
    expect(await countOf(viewer)).toBe(2)
  })

  test('that several ask for at once answers them all', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const { viewer, follower, caughtUp } = await watching(bus)
    await caughtUp()
    await Promise.all([follower.rebuild(), follower.rebuild(), follower.rebuild()])
    expect(await countOf(viewer)).toBe(2)
  })

  test('that is asked for at any moment of another loses nothing', async () => {
    const bus = memoryBus()
    await measured(bus, 3)
    const { viewer, follower, caughtUp } = await watching(bus)
    await caughtUp()
    const asked: Promise<void>[] = []
    for (let moment = 0; moment < 300; moment++) {
      asked.push(follower.rebuild())
      if (moment % 5 === 0) await setImmediate()
      else await undefined
    }
    await Promise.all(asked)
    expect(await countOf(viewer)).toBe(3)
    await measured(bus, 1)
    await caughtUp()
    expect(await countOf(viewer)).toBe(4)
  })

  test('of another version answers whoever asks for one meanwhile', async () => {
    const bus = memoryBus()
    const first = await watching(bus, { projection: { ...metadata, version: 0 } })
    await measured(bus, 2)
    await first.caughtUp()
    await first.end()
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const { follower, viewer } = await watching({ ...bus, head: () => held.then(bus.head) }, { path: first.path })
    const asked = follower.rebuild()
    letGo()
    await asked
    expect(await countOf(viewer)).toBe(2)
  })

  test('puts nothing in place where the connection ends before it is through', async () => {
    const bus = memoryBus()
    await measured(bus, 3)
    const first = await watching(bus, { projection: { ...metadata, version: 0 } })
    await first.caughtUp()
    await first.end()
    const follow: Bus['follow'] = async (after, handle, signal) => {
      const stop = new AbortController()
      const some = (batch: Parameters<typeof handle>[0]) => {
        stop.abort()
        return handle({ ...batch, events: batch.events.slice(0, 1), upTo: 1, pending: 2 })
      }
      await bus.follow(after, some, AbortSignal.any([signal, stop.signal]))
    }
    const file = statSync(first.path).ino
    const closing = { ...bus, follow, closed: Promise.resolve(undefined) }
    const { signal } = new AbortController()
    const { ended } = await followInto({ bus: closing, path: first.path, projection: metadata, signal })
    await expect(ended).rejects.toMatchObject({ code: 'bus.closed' })
    expect(statSync(first.path).ino).toBe(file)
    expect(existsSync(`${first.path}.rebuild`)).toBe(false)
  })

  test('brings back a database that somebody has deleted', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const { path, viewer, follower, lines, caughtUp } = await watching(bus)
    await caughtUp()
    rmSync(path)
    await expect(viewer.ask('metrics', {})).rejects.toMatchObject({ code: 'projection.rebuilding' })
    await vi.waitFor(() => expect(existsSync(path)).toBe(true), 20_000)
    expect(lines.join()).toMatch('its file is gone')
    await measured(bus, 1)
    await vi.waitFor(() => expect(follower.now()).toMatchObject({ state: 'following', sequence: 3 }), 20_000)
    expect(await countOf(viewer)).toBe(3)
  })

  test('can be asked for once the database has been deleted', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const { path, viewer, follower, caughtUp } = await watching(bus)
    await caughtUp()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    await follower.rebuild()
    expect(await countOf(viewer)).toBe(2)
  })

  test('is not needed where somebody puts back a database of ours', async () => {
    const bus = memoryBus()
    await measured(bus, 2)
    const { path, viewer, lines, end, caughtUp } = await watching(bus)
    await caughtUp()
    const copy = `${path}.copy`
    const db = new Database(path)
    db.prepare('vacuum into ?').run(copy)
    db.close()
    await measured(bus, 1)
    await caughtUp()
    for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
    renameSync(copy, path)
    await vi.waitFor(async () => expect(await countOf(viewer)).toBe(3), 20_000)
    expect(lines).toEqual([])
    await end()
  })
})
