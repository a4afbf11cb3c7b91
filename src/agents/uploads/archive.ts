import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { checkedBytes } from './checked-bytes.ts'
import type { Item } from './upload-target.ts'

const block = 512

/** The same bytes whenever and wherever it is made. */
const headerOf = ({ path, size }: Item) => ({
  name: path,
  size,
  mode: 0o644,
  mtime: new Date(0),
  type: 'file' as const,
})

/** Files as one tar, in this order, no faster than it is read. It breaks off where a file is not what its digest says. */
export const archiveOf = (items: readonly Item[], progress: (bytes: number) => void): Readable => {
  const archive = pack()
  const fill = async () => {
    for (const item of items) {
      const entry = archive.entry(headerOf(item))
      const counted = new Transform({
        transform: (piece: Buffer, _, done) => {
          progress(piece.length)
          done(null, piece)
        },
      })
      await pipeline(checkedBytes(item), counted, entry)
    }
    archive.finalize()
  }
  fill().catch((cause: Error) => archive.destroy(cause))
  return archive as unknown as Readable
}

/**
 * How many bytes the archive of some files has. A long name, or one that is not ASCII, takes more than one block: so all are written
 * once without their bytes, and counted.
 */
export const archiveLength = async (items: readonly Item[]): Promise<number> => {
  const archive = pack()
  for (const item of items) archive.entry({ ...headerOf(item), size: 0 }, '')
  archive.finalize()
  let length = 0
  for await (const piece of archive) length += (piece as Buffer).length
  return items.reduce((sum, { size }) => sum + Math.ceil(size / block) * block, length)
}
