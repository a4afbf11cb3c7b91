import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Bus } from '#bus/bus'
import { digestOf, fresh, type Open, streamFrom, streamOf, withConnections } from './samples.ts'

/** Bytes in buckets, named by their digest. */
export const keepsBytes = (open: Open) =>
  describe('buckets', () => {
    const { connect } = withConnections(open)

    const readAll = async (bus: Bus, host: string, digest: string) =>
      Buffer.concat(await Array.fromAsync(bus.buckets.get(host, digest, new AbortController().signal)))

    test.each([0, 1, 128 * 1024, 9_000_001])('give back the %i bytes that were put', async (size) => {
      const [owner, reader] = [await connect(), await connect()]
      const host = fresh()
      const bytes = randomBytes(size)
      const digest = digestOf(bytes)
      await owner.buckets.put(host, digest, () => streamOf(bytes))
      expect(await reader.buckets.has(host, digest)).toBe(true)
      expect(digestOf(await readAll(reader, host, digest))).toBe(digest)
    })

    test('leave alone what is there already', async () => {
      const bus = await connect()
      const host = fresh()
      const bytes = randomBytes(300_000)
      const digest = digestOf(bytes)
      let read = 0
      const put = () =>
        bus.buckets.put(host, digest, () => {
          read++
          return streamOf(bytes)
        })
      await put()
      await put()
      expect(read).toBe(1)
    })

    test('keep one copy of what is put twice at once', async () => {
      const bus = await connect()
      const host = fresh()
      const bytes = randomBytes(300_000)
      const digest = digestOf(bytes)
      const put = () => bus.buckets.put(host, digest, () => streamOf(bytes))
      await Promise.all([put(), put()])
      expect(digestOf(await readAll(bus, host, digest))).toBe(digest)
      expect(await bus.buckets.sweep(host, 0)).toBe(0)
    })

    test('fault where they do not hold a digest', async () => {
      const bus = await connect()
      const [host, digest] = [fresh(), digestOf(randomBytes(1))]
      expect(await bus.buckets.has(host, digest)).toBe(false)
      await expect(readAll(bus, host, digest)).rejects.toMatchObject({ code: 'artifact.missing' })
      await bus.buckets.put(host, digestOf(Buffer.of(1)), () => streamOf(Buffer.of(1)))
      expect(await bus.buckets.has(host, digest)).toBe(false)
      await expect(readAll(bus, host, digest)).rejects.toMatchObject({ code: 'artifact.missing' })
    })

    test('refuse bytes that are not those of the digest, and keep none of them', async () => {
      const bus = await connect()
      const [host, bytes] = [fresh(), randomBytes(500_000)]
      const digest = digestOf(randomBytes(1))
      const putting = bus.buckets.put(host, digest, () => streamOf(bytes))
      await expect(putting).rejects.toMatchObject({ code: 'artifact.wrong' })
      expect(await bus.buckets.has(host, digest)).toBe(false)
      expect(await bus.buckets.sweep(host, 0)).toBe(0)
    })

    test('keep nothing of bytes whose source breaks', async () => {
      const bus = await connect()
      const [host, bytes] = [fresh(), randomBytes(500_000)]
      const broken = async function* () {
        yield bytes
        throw new Error('the file is gone')
      }
      const putting = bus.buckets.put(host, digestOf(bytes), () => streamFrom(broken()))
      await expect(putting).rejects.toThrow('the file is gone')
      expect(await bus.buckets.has(host, digestOf(bytes))).toBe(false)
      expect(await bus.buckets.sweep(host, 0)).toBe(0)
    })

    test('stop giving bytes when they are told to', async () => {
      const bus = await connect()
      const [host, bytes] = [fresh(), randomBytes(1_000_000)]
      await bus.buckets.put(host, digestOf(bytes), () => streamOf(bytes))
      const stop = new AbortController()
      const reading = async () => {
        for await (const _ of bus.buckets.get(host, digestOf(bytes), stop.signal)) stop.abort(new Error('enough'))
      }
      await expect(reading()).rejects.toThrow('enough')
    })
  })
