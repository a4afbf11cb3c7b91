import { createHash, hash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline as flow } from 'node:stream/promises'
import { Fault, faults } from '#bus/fault'

/** Bytes to be sent: a text, bytes, or a file on this machine. */
export type Content = string | Uint8Array | { readonly file: string }

/** Told how many bytes have passed, of how many, as they do. */
export type Progress = (passed: number, size: number) => void

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

/** Bytes as they pass, told to whoever wants to know. */
export async function* counted(bytes: AsyncIterable<Uint8Array>, size: number, tell: Progress = () => undefined) {
  let passed = 0
  for await (const chunk of bytes) {
    passed += chunk.length
    tell(passed, size)
    yield chunk
  }
}

/** Writes bytes to a file that appears whole or not at all. The draft beside it is nobody else's. */
export const writeFrom = async (bytes: AsyncIterable<Uint8Array>, out: string): Promise<void> => {
  const draft = `${out}.${randomUUID()}.part`
  try {
    await flow(Readable.from(bytes), createWriteStream(draft, { flags: 'wx' }))
    await rename(draft, out)
  } finally {
    await rm(draft, { force: true })
  }
}

/** What is to be sent: its digest, and its bytes as often as they are wanted. */
export const readyToSend = async (content: Content, tell?: Progress) => {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    return { digest: hash('sha256', bytes), bytes: () => streamOf([bytes]) }
  }
  const { file } = content
  if (isFolder(file)) throw faults.notAFile(file)
  const size = sizeOf(file)
  if (size === undefined) throw new Fault('store.missing', `There is no file ${file}`)
  const digest = createHash('sha256')
  await flow(createReadStream(file), digest)
  const bytes = () => streamOf(counted(createReadStream(file), size, tell))
  return { digest: digest.digest('hex'), bytes }
}

const streamOf = (bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) =>
  Readable.toWeb(Readable.from(bytes, { objectMode: false })) as ReadableStream<Uint8Array>

const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size

/** Whether a folder lies at a path. */
export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
