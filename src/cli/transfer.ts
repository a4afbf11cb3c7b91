import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline as flow } from 'node:stream/promises'
import { Fault, faults } from '#bus/fault'
import { progress } from './progress.ts'

/** For how long a store that gives no answer is asked again, in milliseconds: it may hash and copy a large file. */
const patience = 600_000

/**
 * Asks a store for something that may be asked twice, and again where no answer came, for ten minutes. Somebody who never
 * was there is not waited for; a store that was there may be away for a moment.
 */
export const untilAnswered = async <T>(ask: () => Promise<T>, signal: AbortSignal, within = patience): Promise<T> => {
  const until = performance.now() + within
  for (;;) {
    try {
      return await ask()
    } catch (cause) {
      const isSilent = cause instanceof Fault && cause.code === 'bus.timeout'
      if (!isSilent || performance.now() > until) throw cause
      signal.throwIfAborted()
    }
  }
}

/** Writes bytes to a file that appears whole or not at all. The draft beside it is nobody else's. */
export const writeFrom = async (bytes: AsyncIterable<Uint8Array>, out: string, size: number): Promise<void> => {
  const draft = `${out}.${randomUUID()}.part`
  try {
    await flow(Readable.from(bytes), progress(`fetching ${out}`, size), createWriteStream(draft, { flags: 'wx' }))
    await rename(draft, out)
  } finally {
    await rm(draft, { force: true })
  }
}

/** A file that is to be sent: its digest, and its bytes as often as they are wanted. */
export const readyToSend = async (file: string) => {
  if (isFolder(file)) throw faults.notAFile(file)
  const size = sizeOf(file)
  if (size === undefined) throw new Fault('store.missing', `There is no file ${file}`)
  const hash = createHash('sha256')
  await flow(createReadStream(file), hash)
  const bytes = (): ReadableStream<Uint8Array> => {
    const passing = progress(`sending ${file}`, size)
    flow(createReadStream(file), passing).catch(() => undefined) // It breaks `passing` too, and whoever reads that.
    return Readable.toWeb(passing) as ReadableStream<Uint8Array>
  }
  return { digest: hash.digest('hex'), bytes }
}

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size

/** Whether a folder lies at a path. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
