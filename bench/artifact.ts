import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open as openFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Objm, setSha256Backend } from '@nats-io/obj'
import type { NatsConnection } from '@nats-io/transport-node'
import { openLocal } from '#agents/local'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { openStore } from '#agents/pipelines/store'
import { clientOf } from '#agents/pipelines/store-client'
import type { Bus } from '#bus/bus'
import { openOutbox } from '#bus/outbox'
import { type Ground, onGround } from './ground.ts'
import { inTurn, secondsOf } from './measure.ts'
import type { Bench } from './report.ts'

/** One large artifact from the host that saves it to the folder of a client elsewhere, against a bare put and get. */
export const artifact: Bench = ({ short }) =>
  onGround(async (ground) => {
    const mebibytes = short ? 64 : 1024
    const [root, leaf] = [await hostOn(ground, 'root'), await hostOn(ground, 'leaf')]
    const nc = await ground.bare()
    const growths: number[] = []

    const ours = async (round: number) => {
      const name = `model-${round}`
      const file = await draft(root.store.root, '') // Where a function's process writes what it saves.
      await writeRandom(file, mebibytes)
      const watching = watchMemory()
      const seconds = await secondsOf(() => transfer(root, leaf, file, name))
      growths.push(watching.growth())
      await rm(join(ground.folder, 'root', name))
      await rm(join(ground.folder, 'leaf', name))
      await nc.request(`$JS.API.STREAM.DELETE.OBJ_artifacts-root`, '')
      return mebibytes / seconds
    }
    const twin = async (round: number) => {
      const file = join(ground.folder, 'fresh')
      await writeRandom(file, mebibytes)
      const seconds = await secondsOf(() => putAndGet(nc, file, join(ground.folder, 'copy'), `model-${round}`))
      await nc.request(`$JS.API.STREAM.DELETE.OBJ_twin`, '')
      return mebibytes / seconds
    }
    const measured = await inTurn(short ? 1 : 3, ours, twin)
    root.stop()
    leaf.stop()
    await Promise.all([root.ended, leaf.ended])
    return [
      { what: `artifact of ${mebibytes} MiB, root to leaf`, unit: 'MiB/s', ...measured, bar: { atLeast: 0.8 } },
      {
        what: 'artifact, growth of resident memory',
        unit: 'MB',
        figure: Math.max(...growths.slice(1)),
        aim: { atMost: 100 },
      },
    ]
  })

type Host = Awaited<ReturnType<typeof hostOn>>

/** What a host has of a store, without its process. */
const hostOn = async ({ folder, bus: open }: Ground, name: string) => {
  const bus: Bus = await open(name)
  const stopping = new AbortController()
  const { signal } = stopping
  const local = openLocal(join(folder, `${name}.db`))
  const outbox = openOutbox(local, name)
  const trader = { bus, host: name, outbox, signal }
  const store = await openStore(`${name}/models`, join(folder, name), local, outbox)
  const ended = Promise.all([outbox.send(bus, signal), serveStore(trader, store)]).finally(() => local.close())
  return { store, trader, signal, stop: () => stopping.abort(), ended }
}

/** Saves a drafted file in root's store and fetches it from there into leaf's folder, verified and in the log on both sides. */
const transfer = async (root: Host, leaf: Host, file: string, name: string): Promise<void> => {
  await root.store.admit(file, name, { how: 'saved' })
  const client = clientOf(leaf.trader, leaf.store, root.store.part)
  await client.download(name, { signal: leaf.signal, waiting: () => undefined })
}

/** Reads a file into an object store and writes it out again; the library hashes on both ways. */
const putAndGet = async (nc: NatsConnection, from: string, to: string, name: string): Promise<void> => {
  setSha256Backend('native')
  const store = await new Objm(nc).create('twin')
  await store.put({ name }, Readable.toWeb(createReadStream(from)) as ReadableStream<Uint8Array>)
  const got = await store.get(name)
  if (!got) throw new Error('It is not there')
  const file = await openFile(to, 'w')
  for await (const chunk of got.data) await file.write(chunk)
  await file.sync()
  await file.close()
  const failed = await got.error
  if (failed) throw failed
}

const writeRandom = async (path: string, mebibytes: number): Promise<void> => {
  const file = await openFile(path, 'w')
  const block = randomBytes(1 << 20)
  for (let number = 0; number < mebibytes; number++) {
    block.writeUInt32LE(number)
    await file.write(block)
  }
  await file.sync()
  await file.close()
}

/** Watches how far the resident memory of this process rises above what it is now, in megabytes. */
const watchMemory = () => {
  const before = process.memoryUsage.rss()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 50)
  return {
    growth: (): number => {
      clearInterval(timer)
      return (most - before) / 1e6
    },
  }
}
