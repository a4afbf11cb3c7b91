import { createHash } from 'node:crypto'
import type { Buckets } from './bus.ts'
import { faults } from './fault.ts'

const chunkSize = 128 * 1024

/** Buckets of bytes, by host and digest. */
export const memoryBuckets = (): Buckets => {
  const kept = new Map<string, Buffer>()
  const nameOf = (host: string, digest: string) => `${host} ${digest}`

  const put: Buckets['put'] = async (host, digest, bytes) => {
    if (kept.has(nameOf(host, digest))) return
    const all = Buffer.concat(await Array.fromAsync(bytes()))
    const found = createHash('sha256').update(all).digest('hex')
    if (found !== digest) throw faults.wrongBytes(digest, found)
    kept.set(nameOf(host, digest), all)
  }

  async function* get(host: string, digest: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const all = kept.get(nameOf(host, digest))
    if (!all) throw faults.missingBytes(digest, host)
    for (let from = 0; from < all.length; from += chunkSize) {
      signal.throwIfAborted()
      yield new Uint8Array(all.subarray(from, from + chunkSize))
    }
  }

  return { has: async (host, digest) => kept.has(nameOf(host, digest)), put, get, sweep: async () => 0 }
}
