import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { clientOf } from '#agents/pipelines/store-client'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { memoryHub } from '#bus/memory'
import { knownIn } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import { askedBy } from '#contracts/subjects'
import { eventually, storeOnDisk, temporaryFolder } from './on-disk.ts'

type Buckets = Bus['buckets']

/** A store of root and a client of it on leaf; either host's buckets can be made to behave as they do not. */
const exchange = async ({
  atStore = (buckets: Buckets) => buckets,
  atClient = (buckets: Buckets) => buckets,
  replies = [] as unknown[],
  answered = async (_: string): Promise<void> => undefined,
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
    await answered(askedBy(asked[0]).verb)
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

test('how long a transfer took is recorded with it, from the first question on', async () => {
  const { root, client, doing, save, leaf } = await exchange({ atClient: (buckets) => cut(buckets, 2) })
  await save('a', 'weights')
  const began = performance.now()
  await client.download('a', doing)
  await client.upload(await draft(leaf.store.root, 'plot'), 'b', doing)
  const upTo = performance.now() - began
  const events = await Promise.all(
    [
      ['root', 'out'],
      ['leaf', 'client'],
    ].map(async ([scope = '', key = '']) => {
      const { events } = await root.bus.read({ aggregate: 'artifact', scope, key })
      return events.flatMap((event) => knownIn<ArtifactEvent>(event) ?? [])
    }),
  )
  const took = events
    .flat()
    .flatMap((event) => ('took' in event.data ? [[event.type, event.data.took ?? 0] as const] : []))
  expect(took.map(([type]) => type)).toEqual(['artifact.uploaded', 'artifact.downloaded'])
  const sum = took.reduce((all, [, one]) => all + one, 0)
  expect(sum).toBeGreaterThan(0) // Both had to wait until what was cut went on.
  expect(sum).toBeLessThanOrEqual(Math.ceil(upTo) + 1)
})

test('how long an upload waited for the host of its store is in what it took', async () => {
  const { client, doing, root, leaf, serve, stop } = await exchange()
  await stop()
  const { promise: waits, resolve: waiting } = Promise.withResolvers<string>()
  const uploading = client.upload(await draft(leaf.store.root, 'plot'), 'p', { ...doing, waiting })
  await waits // It is told at the third attempt: 50 and 100 ms have passed between them.
  void serve(root.bus.buckets)
  await uploading
  const { events } = await root.bus.read({ aggregate: 'artifact', scope: 'root', key: 'out' })
  const { took } = events.at(-1)?.data as { took: number }
  expect(took).toBeGreaterThan(100)
})

test('what a client fetches from is readied as it is saved, also after a restart; nothing else is', async () => {
  const { root, client, save, serve, stop, leaf } = await exchange()
  const lies = async (text: string) => root.bus.buckets.has('root', hash('sha256', text))
  await save('a', 'early')
  await client.announce(leaf.signal)
  await save('b', 'readied')
  await eventually(() => lies('readied'))
  expect(await lies('early')).toBe(false)
  await stop()
  void serve(root.bus.buckets)
  await save('c', 'later')
  await eventually(() => lies('later'))
})

test('a store readies two artifacts at once, and whoever asks for another waits for none of them', async () => {
  const { promise: held, resolve: goOn } = Promise.withResolvers<void>()
  const early = hash('sha256', 'early')
  let [readying, most] = [0, 0]
  const { client, doing, save, leaf, root } = await exchange({
    atStore: (buckets) => ({
      ...buckets,
      put: async (host, digest, bytes) => {
        most = Math.max(most, ++readying)
        if (digest !== early) await held
        await buckets.put(host, digest, bytes)
        readying--
      },
    }),
  })
  await save('early', 'early')
  await client.announce(leaf.signal)
  for (let n = 0; n < 20; n++) await save(`m${n}`, `m${n}`)
  expect(most).toBe(2)
  const { file } = await client.download('early', doing)
  expect(readFileSync(file, 'utf8')).toBe('early')
  goOn()
  await eventually(() => root.bus.buckets.has('root', hash('sha256', 'm19')))
  expect(most).toBe(3)
})

test('what cannot be readied as it is saved is saved all the same', async () => {
  const broken = { put: () => Promise.reject(faults.interrupted('bytes')) }
  const { client, doing, save, leaf } = await exchange({ atStore: (buckets) => ({ ...buckets, ...broken }) })
  await client.announce(leaf.signal)
  expect(await save('a', 'saved')).toMatchObject({ path: 'a' })
  expect((await client.list(doing)).map(({ path }) => path)).toEqual(['a'])
})

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

const by = { run: 'leaf/0', part: 'leaf/evaluate', attempt: 1 }

test('a tag is recorded at the store: who said it, from where, and because of what', async () => {
  const { client, doing, root, save, leaf } = await exchange()
  const { digest } = await save('m', 'weights')
  const causedBy = {
    id: 'run.leaf.0-3',
    correlationId: 'run.leaf.0-0',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  }
  await client.tag('m', { stage: 'good' }, { ...doing, by, causedBy })
  const { events } = await root.bus.read({ aggregate: 'artifact', scope: 'root', key: 'out' })
  const { id: causationId, ...story } = causedBy
  expect(events.at(-1)).toMatchObject({
    ...{ type: 'artifact.tagged', principal: 'host-of-leaf', causationId, ...story },
    data: { store: 'root/out', path: 'm', digest, tags: { stage: 'good' }, by },
  })
  expect(await leaf.facts()).toEqual([])
})

test('a tag whose answer is lost is asked for again and recorded once, also by the next process of the store', async () => {
  const lost = ['tag', 'tag']
  let restart: () => Promise<void> = async () => undefined
  const { client, doing, root, save, stop, serve } = await exchange({
    answered: async (verb) => {
      if (lost[0] !== verb) return
      lost.shift()
      await restart()
      throw faults.interrupted(verb)
    },
  })
  await save('m', 'weights')
  restart = async () => {
    await stop()
    void serve(root.bus.buckets)
  }
  await client.tag('m', { stage: 'good' }, { ...doing, by })
  expect(lost).toEqual([])
  expect((await root.facts()).map(({ type }) => type)).toEqual(['artifact.saved', 'artifact.tagged'])
})

test('each saying is recorded, also where it says the same', async () => {
  const { client, doing, root, save } = await exchange()
  await save('m', 'weights')
  const say = (stage: string) => client.tag('m', { stage }, { ...doing, by })
  await Promise.all([say('good'), say('good')])
  await say('bad')
  await say('good')
  const tags = (await root.facts()).flatMap((fact) => ('tags' in fact ? [fact.tags] : []))
  expect(tags).toEqual(['good', 'good', 'bad', 'good'].map((stage) => ({ stage })))
})

test('what does not lie in the store is neither tagged nor fetched, for the reason that the store itself gives', async () => {
  const { client, doing, root } = await exchange()
  const reason = await root.store.tag('none', { a: 'b' }).catch((cause: unknown) => cause)
  expect(reason).toMatchObject({ code: 'store.missing', message: expect.stringMatching(/^root\/out holds no none/) })
  const { code, message } = reason as Error & { code: string }
  await expect(client.tag('none', { a: 'b' }, { ...doing, by })).rejects.toMatchObject({ code, message })
  await expect(client.download('none', doing)).rejects.toMatchObject({ code, message })
  expect(await root.facts()).toEqual([])
})
