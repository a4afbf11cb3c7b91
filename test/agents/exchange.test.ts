import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { clientOf } from '#agents/pipelines/store-client'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { memoryHub } from '#bus/memory'
import { storeOnDisk, temporaryFolder } from './on-disk.ts'

type Buckets = Bus['buckets']

/** A store of root and a client of it on leaf; either host's buckets can be made to behave as they do not. */
const exchange = async ({
  atStore = (buckets: Buckets) => buckets,
  atClient = (buckets: Buckets) => buckets,
  replies = [] as unknown[],
} = {}) => {
  const hub = memoryHub({ logId: 'log' })
  const at = (part: string) => storeOnDisk(part, { base: temporaryFolder(), hub })
  const [root, leaf] = [await at('root/out'), await at('leaf/client')]
  const serve = (buckets: Buckets, signal = root.signal) =>
    serveStore({ bus: { ...root.bus, buckets }, host: 'root', outbox: root.outbox, signal }, root.store)
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  const served = serve(atStore(root.bus.buckets), stopping.signal)
  const request: Bus['request'] = async (...asked) => {
    const reply = await leaf.bus.request(...asked)
    replies.push(reply)
    return reply
  }
  const bus = { ...leaf.bus, buckets: atClient(leaf.bus.buckets), request }
  const client = clientOf({ bus, host: 'leaf', outbox: leaf.outbox, signal: leaf.signal }, leaf.store, 'root/out')
  const doing = { signal: leaf.signal, waiting: () => undefined }
  const save = async (path: string, text: string) =>
    root.store.admit(await draft(root.store.root, text), path, { how: 'saved' })
  const stop = () => {
    stopping.abort()
    return served
  }
  return { root, leaf, client, doing, save, serve, stop }
}

/** Breaks the first `times` times, as a connection that is cut does: before the first byte, or behind it. */
const cut = (buckets: Buckets, times: number, fault: Error = faults.interrupted('bytes')): Buckets => {
  let [puts, gets] = [times, times]
  return {
    ...buckets,
    put: async (...args) => {
      if (puts-- > 0) throw fault
      await buckets.put(...args)
    },
    async *get(...args) {
      for await (const chunk of buckets.get(...args)) {
        yield chunk
        if (gets-- > 0) throw fault
      }
    },
  }
}

test('a download goes on trying while the bytes break off, on either side, and is whole', async () => {
  const { client, doing, save, leaf } = await exchange({ atStore: (b) => cut(b, 2), atClient: (b) => cut(b, 2) })
  await save('m', 'weights')
  const { file } = await client.download('m', doing)
  expect(readFileSync(file, 'utf8')).toBe('weights')
  expect(await leaf.facts()).toMatchObject([{ type: 'artifact.downloaded', path: 'm' }])
})

test('an upload goes on trying while the bytes break off, on either side, and is recorded once', async () => {
  const { client, doing, root, leaf } = await exchange({ atStore: (b) => cut(b, 2), atClient: (b) => cut(b, 2) })
  await client.upload(await draft(leaf.store.root, 'plot'), 'p', doing)
  expect(readFileSync(join(root.folder, 'p'), 'utf8')).toBe('plot')
  expect(await root.facts()).toMatchObject([{ type: 'artifact.uploaded', path: 'p' }])
})

test('an upload is recorded as caused by what caused it over there, in the same trace', async () => {
  const { client, doing, root, leaf } = await exchange()
  const causedBy = {
    id: 'run.leaf.0-3',
    correlationId: 'run.leaf.0-0',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }
  await client.upload(await draft(leaf.store.root, 'plot'), 'p', { ...doing, causedBy })
  const { events } = await root.bus.read({ aggregate: 'artifact', scope: 'root', key: 'out' })
  const { id: causationId, ...story } = causedBy
  expect(events).toMatchObject([{ type: 'artifact.uploaded', principal: 'host-of-leaf', causationId, ...story }])
})

test('bytes that have gone from a bucket since they were put there are put again', async () => {
  const gone = faults.missingBytes('0123', 'root')
  const { client, doing, save, root, leaf } = await exchange({
    atStore: (b) => ({ ...b, get: cut(b, 1, gone).get }),
    atClient: (b) => ({ ...b, get: cut(b, 1, gone).get }),
  })
  await save('m', 'weights')
  expect(readFileSync((await client.download('m', doing)).file, 'utf8')).toBe('weights')
  await client.upload(await draft(leaf.store.root, 'plot'), 'p', doing)
  expect(readFileSync(join(root.folder, 'p'), 'utf8')).toBe('plot')
})

test('bytes that are missing for ever are told to whoever wants them', async () => {
  const gone = faults.missingBytes('0123', 'root')
  const { client, doing, save } = await exchange({
    atClient: (b) => ({ ...b, get: cut(b, Number.POSITIVE_INFINITY, gone).get }),
  })
  await save('m', 'weights')
  await expect(client.download('m', doing)).rejects.toThrow(/does not hold/)
})

test('an upload outlives a host of the store that stops in its midst', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { client, doing, root, leaf, serve, stop } = await exchange({
    atStore: (buckets) => ({
      ...buckets,
      async *get(_, __, signal) {
        begin()
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }),
  })
  const uploading = client.upload(await draft(leaf.store.root, 'plot'), 'p', doing)
  await begun
  await stop()
  void serve(root.bus.buckets)
  expect(await uploading).toMatchObject({ path: 'p', size: 4 })
})

test('a list of any length comes whole and in order, no message of it larger than a quarter of a MiB', async () => {
  const replies: unknown[] = []
  const { client, doing, root } = await exchange({ replies })
  const keep = root.local.prepare(
    "insert into files (store, path, digest, size, modified, origin, fact) values ('root/out', ?, ?, 1, '', 'seen', null)",
  )
  const paths = Array.from({ length: 12_345 }, (_, i) => `${String(i).padStart(6, '0')}-ü-${'x'.repeat(i % 300)}`)
  root.local.transaction(() => {
    for (const path of paths) keep.run(path, 'f'.repeat(64))
  })()
  expect((await client.list(doing)).map(({ path }) => path)).toEqual(paths)
  for (const reply of replies) expect(Buffer.byteLength(JSON.stringify(reply))).toBeLessThan(260 * 1024)
})

test('a store hands out eight artifacts at once, the others in turn', async () => {
  let [running, most] = [0, 0]
  const { client, doing, save } = await exchange({
    atStore: (buckets) => ({
      ...buckets,
      put: async (...args) => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        await buckets.put(...args)
        running--
      },
    }),
  })
  const paths = Array.from({ length: 30 }, (_, i) => `m${i}`)
  for (const path of paths) await save(path, path)
  const files = await Promise.all(paths.map((path) => client.download(path, doing)))
  expect(files.map(({ file }) => readFileSync(file, 'utf8'))).toEqual(paths)
  expect(most).toBe(8)
})
