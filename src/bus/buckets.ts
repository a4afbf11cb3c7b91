import { createHash } from 'node:crypto'
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type ObjectStore, Objm, setSha256Backend } from '@nats-io/obj'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Buckets } from './bus.ts'
import { faults } from './fault.ts'

/** How long a stream of bytes may stand still, in milliseconds. */
const stallAfter = 30_000

/** How long a bucket keeps bytes, in milliseconds: a store puts them again on demand. */
const keptFor = 7 * 24 * 3600 * 1000

const bucketOf = (host: string): string => `artifacts-${host}`

/** Buckets of bytes named by their digest, one for each host, written by that host alone. */
export const openBuckets = async (nc: NatsConnection): Promise<Buckets> => {
  setSha256Backend('native')
  const jsm = await jetstreamManager(nc, { checkAPI: false })
  const objects = new Objm(nc)
  const underWay = new Map<string, Promise<void>>()

  const own = (host: string): Promise<ObjectStore> =>
    objects.create(bucketOf(host), { ttl: keptFor * 1e6, description: `Artifacts that ${host} hands out` })

  const infoOf = async (host: string, digest: string) => {
    const store = await objects.open(bucketOf(host), false)
    const info = await store.info(digest).catch(() => null)
    return info && !info.deleted ? info : undefined
  }

  const has = async (host: string, digest: string): Promise<boolean> => (await infoOf(host, digest)) !== undefined

  const put: Buckets['put'] = (host, digest, bytes) => {
    // A second put of a name purges the chunks under whoever reads the first: look first, one at a time.
    const name = `${host} ${digest}`
    const running = underWay.get(name)
    if (running) return running
    const putting = (async () => {
      const store = await own(host)
      if (await has(host, digest)) return
      const info = await store.put({ name: digest }, bytes(), { timeout: stallAfter })
      const found = Buffer.from(info?.digest.replace('SHA-256=', '') ?? '', 'base64url').toString('hex')
      if (found === digest) return
      await store.delete(digest)
      throw faults.wrongBytes(digest, found)
    })().finally(() => underWay.delete(name))
    underWay.set(name, putting)
    return putting
  }

  async function* get(host: string, digest: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const info = await infoOf(host, digest)
    if (!info) throw faults.missingBytes(digest, host)
    yield* chunksOf(nc, bucketOf(host), info.nuid, info.chunks, digest, signal)
  }

  const sweep: Buckets['sweep'] = async (host, olderThan) => {
    const stream = `OBJ_${bucketOf(host)}`
    const store = await own(host)
    const named = new Set((await store.list()).map(({ nuid }) => nuid))
    const { state } = await jsm.streams.info(stream, { subjects_filter: `$O.${bucketOf(host)}.C.>` })
    let swept = 0
    for (const subject of Object.keys(state.subjects ?? {})) {
      if (named.has(subject.split('.').at(-1) ?? '')) continue
      const newest = await jsm.streams.getMessage(stream, { last_by_subj: subject })
      if (!newest || Date.now() - newest.time.getTime() < olderThan) continue
      swept += (await jsm.streams.purge(stream, { filter: subject })).purged
    }
    return swept
  }

  return { has, put, get, sweep }
}

/** The chunks of one object, no more ahead of the reader than a few; goes on from the last whole one after a break. */
async function* chunksOf(
  nc: NatsConnection,
  bucket: string,
  nuid: string,
  chunks: number,
  digest: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let received = 0
  if (chunks > 0) {
    const consumer = await jetstream(nc).consumers.get(`OBJ_${bucket}`, { filter_subjects: [`$O.${bucket}.C.${nuid}`] })
    try {
      while (received < chunks) {
        signal.throwIfAborted()
        let came = 0
        const messages = await consumer.fetch({
          max_messages: Math.min(64, chunks - received),
          expires: stallAfter,
          idle_heartbeat: 5_000,
        })
        for await (const message of messages as AsyncIterable<JsMsg>) {
          signal.throwIfAborted()
          hash.update(message.data)
          received++
          came++
          yield message.data
        }
        if (came === 0) throw faults.stalled(digest, stallAfter)
      }
    } finally {
      await consumer.delete().catch(() => undefined)
    }
  }
  const found = hash.digest('hex')
  if (found !== digest) throw faults.wrongBytes(digest, found)
}
