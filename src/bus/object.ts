import { createHash } from 'node:crypto'
import { headers, nuid } from '@nats-io/transport-node'
import { type Connection, reliably } from './connection.ts'
import { faults } from './fault.ts'
import { asFault, publish } from './publish.ts'

/** How long the server may take to store a chunk, in milliseconds. */
const storedWithin = 30_000

/** A chunk's size in bytes, and how many are under way at once: more only wait for the disk. */
const chunkSize = 512 * 1024
const underWayAtOnce = 4

/** What a message holds beside a chunk, at most, in bytes. */
const overhead = 1024

/**
 * Streams bytes into an object store, in the format that every client of NATS reads (ADR-20), under the name that their
 * SHA-256 is. The library puts one chunk after the other and hashes once more. Where anything fails, or the bytes are not
 * those of the digest, nothing of them is named and what is stored of them is purged.
 */
export const putObject = async (
  connection: Connection,
  bucket: string,
  digest: string,
  bytes: ReadableStream<Uint8Array>,
): Promise<void> => {
  const { nc, jsm } = connection
  const id = nuid.next()
  const subject = `$O.${bucket}.C.${id}`
  const size = Math.min(chunkSize, (nc.info?.max_payload ?? chunkSize) - overhead)
  const store = async (to: string, body: Uint8Array | string, about = headers()) => {
    const stored = await publish(connection, { subject: to, body, headers: about }, storedWithin)
    if (!stored.stored) throw asFault(`a part of ${digest}`, stored)
  }
  const underWay = new Set<Promise<void>>()
  const failed = new AbortController()
  const begin = (chunk: Uint8Array) => {
    const storing = store(subject, chunk)
      .catch((cause: unknown) => failed.abort(cause))
      .finally(() => underWay.delete(storing))
    underWay.add(storing)
  }
  const hash = createHash('sha256')
  let [length, chunks] = [0, 0]
  try {
    for await (const chunk of inChunks(bytes, size)) {
      while (underWay.size >= underWayAtOnce) await Promise.race(underWay)
      failed.signal.throwIfAborted()
      hash.update(chunk)
      length += chunk.length
      chunks++
      begin(chunk)
    }
    await Promise.all(underWay)
    failed.signal.throwIfAborted()
    const sum = hash.digest()
    if (sum.toString('hex') !== digest) throw faults.wrongBytes(digest, sum.toString('hex'))
    const named = {
      name: digest,
      options: { max_chunk_size: size },
      bucket,
      nuid: id,
      size: length,
      chunks,
      mtime: new Date().toISOString(),
      digest: `SHA-256=${base64(sum)}`,
      deleted: false,
    }
    const about = headers()
    about.set('Nats-Rollup', 'sub')
    await store(`$O.${bucket}.M.${base64(Buffer.from(digest))}`, JSON.stringify(named), about)
  } catch (cause) {
    await Promise.all(underWay)
    // What can't be purged now is swept later.
    const purge = () => jsm.streams.purge(`OBJ_${bucket}`, { filter: subject })
    await reliably(connection, `purge ${subject}`, purge).catch(() => undefined)
    throw cause
  }
}

/** The same bytes in pieces of one size, but for the last. */
async function* inChunks(bytes: ReadableStream<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let held = 0
  for await (const piece of bytes) {
    let rest = piece
    while (held + rest.length >= size) {
      const part = rest.subarray(0, size - held)
      yield held === 0 ? part : Buffer.concat([...parts, part])
      rest = rest.subarray(part.length)
      parts = []
      held = 0
    }
    if (rest.length > 0) parts.push(rest)
    held += rest.length
  }
  if (held > 0) yield Buffer.concat(parts)
}

/** Base64 for URLs, padded. */
const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
