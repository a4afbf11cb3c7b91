import { createHash, hash as hashOf, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, lstat, mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { faults } from '#bus/fault'
import type { Content } from './handles.ts'

/** Files that are being written lie here, inside the store, so that a rename is atomic. */
export const workshop = '.millrace-tmp'

/** Whether a path, or a folder on the way, has a name that begins with a dot. */
export const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'))

/** The file that a store's path names; a fault where it leaves the store, also by a symbolic link. */
export const inside = async (root: string, path: string): Promise<string> => {
  const parts = path.split('/')
  if (
    isAbsolute(path) ||
    path.includes('\0') ||
    parts.some((part) => part === '' || part === '.' || part === '..' || part === workshop)
  )
    throw faults.leavesStore(path)
  const file = resolve(root, ...parts)
  const top = await realpath(root).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? faults.folderAway(root) : cause
  })
  // The nearest folder that exists must lie inside once its links are followed.
  for (let at = file; at.length >= resolve(root).length; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined)
    if (real === undefined) continue
    if (real !== top && !real.startsWith(top + sep)) throw faults.leavesStore(path)
    return file
  }
  throw faults.leavesStore(path)
}

/** A file's path as its store names it. */
export const pathIn = (root: string, file: string): string => relative(root, file).split(sep).join('/')

/** Up to this size, in bytes, a file is read in one go: the buffers of a stream cost more than such a file. */
const small = 64 * 1024

/** The SHA-256 of a file's bytes, read once and streamed. */
export const digestOfFile = async (file: string, signal?: AbortSignal): Promise<{ digest: string; size: number }> => {
  const { size: expected } = await stat(file)
  if (expected <= small) {
    const bytes = await readFile(file, signal && { signal })
    return { digest: hashOf('sha256', bytes), size: bytes.length }
  }
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(chunk as Buffer)
    size += (chunk as Buffer).length
  }
  return { digest: hash.digest('hex'), size }
}

/** Writes content into the store's workshop; gives the temporary file. */
export const draft = async (root: string, content: Content | AsyncIterable<Uint8Array>): Promise<string> => {
  await mkdir(join(root, workshop), { recursive: true })
  const file = join(root, workshop, randomUUID())
  try {
    if (typeof content === 'object' && 'file' in content) await copyFile(content.file, file)
    else await writeFile(file, content)
    return file
  } catch (cause) {
    await rm(file, { force: true })
    throw cause
  }
}

/** Makes sure that a file's bytes, and then its name, are on disk under the final name. */
export const settleAt = async (temporary: string, file: string): Promise<void> => {
  await sync(temporary)
  await mkdir(dirname(file), { recursive: true })
  await rename(temporary, file)
  await sync(dirname(file))
}

const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Removes what was being written when the process died. */
export const clearWorkshop = (root: string): Promise<void> => rm(join(root, workshop), { recursive: true, force: true })

/** Whether anything lies at a path, a broken link included. */
export const exists = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  )

/** What is there, how large it is, and when it was last written, in nanoseconds. */
export const stampOf = async (file: string): Promise<{ isFile: boolean; size: number; modified: string }> => {
  const found = await stat(file, { bigint: true })
  return { isFile: found.isFile(), size: Number(found.size), modified: String(found.mtimeNs) }
}
