import { createHash } from 'node:crypto'
import { type ObjectInfo, Objm, setSha256Backend } from '@nats-io/obj'
import type { Buckets } from './bus.ts'
import { type Connection, clearly, reliably, unlessDenied } from './connection.ts'
import { readDirectly } from './direct.ts'
import { faults } from './fault.ts'
import { putObject } from './object.ts'
import { answeredWith, serverCode } from './publish.ts'

/** How long a stream of bytes may stand still, in milliseconds; where its first message stays away, the library says so sooner. */
const stallAfter = 30_000

/** How long a new bucket keeps bytes unless its host says otherwise, in milliseconds: a store puts them again on demand. */
const usuallyKept = 7 * 24 * 3600 * 1000

/** For the last part of their time bytes are put anew, so that whoever is told they lie there can fetch them. */
const renewedFor = 1 / 7

/** How many chunks are read at once, and as many again ahead of whoever gets them. */
const readAtOnce = 8

const bucketOf = (host: string): string => `artifacts-${host}`

/**
 * Buckets of bytes named by their digest, one for each host, written by that host alone and kept for `keptFor` ms; where
 * that is not stated, for as long as the bucket that is there keeps them.
 */
export const openBuckets = (connection: Connection, keptFor?: number): Buckets => {
  const { nc, jsm } = connection

  setSha256Backend('native')
  const objects = new Objm(nc)
  const underWay = new Map<string, Promise<void>>()

  /** Makes a host's bucket, or has it keep bytes for as long as is stated now. Says for how many milliseconds it does. */
  const own = async (host: string): Promise<number> => {
    const stream = `OBJ_${bucketOf(host)}`
    const made = await unlessAbsent(() => jsm.streams.info(stream))
    // Whoever states nothing changes nothing: a shorter time deletes at once what is older.
    if (made && keptFor === undefined) return made.config.max_age / 1e6 || Number.POSITIVE_INFINITY
    const keeps = keptFor ?? usuallyKept
    const ttl = keeps * 1e6
    if (!made) await objects.create(bucketOf(host), { ttl, description: `Artifacts that ${host} hands out` })
    else if (made.config.max_age !== ttl) await jsm.streams.update(stream, { max_age: ttl })
    return keeps
  }

  const infoOf = async (host: string, digest: string): Promise<ObjectInfo | undefined> => {
    const store = await objects.open(bucketOf(host), false)
    const info = await unlessAbsent(() => reliably(connection, `look for ${digest}`, () => store.info(digest)))
    return info && !info.deleted ? info : undefined
  }

  const has: Buckets['has'] = async (host, digest) => (await infoOf(host, digest)) !== undefined

  const put: Buckets['put'] = (host, digest, bytes) => {
    // A second put of a name purges the chunks under whoever reads the first: look first, one at a time.
    const name = `${host} ${digest}`
    const running = underWay.get(name)
    if (running) return running
    const putting = clearly(`write into the bucket of ${host}`, async () => {
      const keeps = await own(host)
      const lying = await infoOf(host, digest)
      const isOld = lying && Date.now() - Date.parse(lying.mtime) > keeps * (1 - renewedFor)
      if (!lying || isOld) await putObject(connection, bucketOf(host), digest, bytes())
    }).finally(() => underWay.delete(name))
    underWay.set(name, putting)
    return putting
  }

  async function* get(host: string, digest: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const info = await infoOf(host, digest)
    if (!info) throw faults.missingBytes(digest, host)
    const [stream, subject] = [`OBJ_${bucketOf(host)}`, `$O.${bucketOf(host)}.C.${info.nuid}`]
    const isDirectGet = (asked: string) => asked === `$JS.API.DIRECT.GET.${stream}`
    const readFrom = (from: number) => {
      const range = { from, subject, limit: readAtOnce, stallAfter }
      const reading = reliably(connection, `read ${digest}`, () =>
        unlessDenied(connection, `read the bucket of ${host}`, isDirectGet, () => readDirectly(jsm, stream, range)),
      )
      reading.catch(() => undefined) // Whoever gets them may stop before these are looked at.
      return reading
    }
    const hash = createHash('sha256')
    let received = 0
    for (let next = readFrom(1); received < info.chunks; ) {
      signal.throwIfAborted()
      const chunks = await next
      received += chunks.length
      const last = chunks.at(-1)
      if (!last) throw faults.missingBytes(digest, host)
      if (received < info.chunks) next = readFrom(last.seq + 1)
      for (const { data } of chunks) {
        signal.throwIfAborted()
        hash.update(data)
        yield data
      }
    }
    const found = hash.digest('hex')
    if (found !== digest) throw faults.wrongBytes(digest, found)
  }

  const sweep: Buckets['sweep'] = (host, olderThan) =>
    clearly(`sweep the bucket of ${host}`, () => sweepOnce(host, olderThan))

  /** Which uploads the objects of a bucket are. Read without a consumer, which not everybody may make. */
  const namesIn = async (stream: string, subject: string): Promise<ReadonlySet<string>> => {
    const names = new Set<string>()
    for (let from = 1; ; ) {
      const objects = await readDirectly(jsm, stream, { from, subject, limit: 256 })
      const last = objects.at(-1)
      if (!last) return names
      for (const object of objects) names.add(object.json<{ readonly nuid: string }>().nuid)
      from = last.seq + 1
    }
  }

  const sweepOnce: Buckets['sweep'] = async (host, olderThan) => {
    const stream = `OBJ_${bucketOf(host)}`
    const info = await unlessAbsent(() => jsm.streams.info(stream, { subjects_filter: `$O.${bucketOf(host)}.C.>` }))
    if (!info) return 0
    // Listed after the chunks: what is put meanwhile has its name by then, or is younger than what is swept.
    const named = await namesIn(stream, `$O.${bucketOf(host)}.M.>`)
    // The server's clock: by one of ours that is wrong by an hour, what is put at this moment would be old.
    const now = Date.parse((info as { readonly ts?: string }).ts ?? '') || Date.now()
    let swept = 0
    for (const subject of Object.keys(info.state.subjects ?? {})) {
      if (named.has(subject.split('.').at(-1) ?? '')) continue
      const newest = await jsm.streams.getMessage(stream, { last_by_subj: subject })
      if (!newest || now - newest.time.getTime() < olderThan) continue
      swept += (await jsm.streams.purge(stream, { filter: subject })).purged
    }
    return swept
  }

  return { has, put, get, sweep }
}

/** What the server says of a bucket; undefined where there is none: nothing has ever been put. */
const unlessAbsent = <T>(ask: () => Promise<T>): Promise<T | undefined> =>
  ask().catch((cause: unknown) => {
    if (answeredWith(cause, serverCode.streamNotFound)) return undefined
    throw cause
  })
