import { lstat, open, opendir, readlink } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Fault } from '#bus/fault'

/** What lies in a folder. */
export type Extent = { readonly bytes: number; readonly files: number }

/** Everything below a folder, links as they are; what goes away while it is looked at is passed over. */
async function* below(folder: string): AsyncGenerator<{ readonly path: string; readonly bytes: number }> {
  const entries = await opendir(folder).catch(() => undefined)
  if (!entries) return
  for await (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* below(path)
    const found = await lstat(path).catch(() => undefined)
    if (found) yield { path, bytes: entry.isDirectory() ? 0 : Math.max(found.size, 512 * found.blocks) }
  }
}

/** How many bytes lie below a folder, on the disk or as they are read, whichever is more; of a growing one, about. */
export const bytesBelow = async (folder: string): Promise<number> => {
  let bytes = 0
  for await (const found of below(folder)) bytes += found.bytes
  return bytes
}

/** How a file begins that stands for one in a large file storage, and how large it is. */
const pointer = 'version https://git-lfs.github.com/spec/v1\n'
const pointerBytes = { least: 100, most: 1_024 }

const isPointer = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(pointer.length), 0, pointer.length)
    return buffer.toString('latin1', 0, bytesRead) === pointer
  } finally {
    await file.close()
  }
}

/**
 * How many files of how many bytes a source is. Refuses what is neither a file nor a folder, and each link that leads out of it;
 * says of each file that its bytes are elsewhere.
 */
export const checkTree = async (root: string, say: (line: string) => void): Promise<Extent> => {
  let [bytes, files] = [0, 0]
  for await (const { path } of below(root)) {
    const found = await lstat(path)
    if (found.isDirectory()) continue
    const name = relative(root, path)
    if (found.isSymbolicLink()) {
      if (await leadsOut(root, name))
        throw new Fault(
          'source.link',
          `${name} is a link to ${await readlink(path)}, which is not in the repository. Put the file itself there`,
        )
    } else if (!found.isFile())
      throw new Fault('source.no-file', `${name} is neither a file, nor a folder, nor a link. Take it out`)
    else if (found.size >= pointerBytes.least && found.size <= pointerBytes.most && (await isPointer(path)))
      say(`${name} is kept in Git LFS, which is not fetched: what lies here only stands for it`)
    bytes += found.size
    files++
  }
  return { bytes, files }
}

/** How many links may lead to each other, as on Linux. */
const mostLinks = 40

/** Follows a path name by name, as the system would; whether it leaves the root on its way, even to come back. */
const leadsOut = async (root: string, start: string): Promise<boolean> => {
  const at: string[] = []
  const left = start.split(sep)
  for (let links = 0; left.length > 0; ) {
    const next = left.shift()
    if (next === undefined || next === '' || next === '.') continue
    if (next === '..') {
      if (at.pop() === undefined) return true
      continue
    }
    const target = await readlink(join(root, ...at, next)).catch(() => undefined)
    if (target === undefined) {
      at.push(next)
      continue
    }
    links++
    if (target.startsWith('/') || links > mostLinks) return true
    left.unshift(...target.split('/'))
  }
  return false
}
