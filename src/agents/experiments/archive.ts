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
  type: 'file',
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

/** How many bytes the archive of some files has. */
export const archiveLength = async (items: readonly Item[]): Promise<number> => {
  let length = 2 * block // Two empty blocks end it.
  for (const item of items) length += headerLength(item) + Math.ceil(item.size / block) * block
  return length
}

/** A long name, or one that is not ASCII, takes more than one block: so it is written, and counted. */
const headerLength = (item: Item): number => {
  const archive = pack()
  archive.entry(headerOf(item), () => undefined)
  let length = 0
  for (let piece = archive.read(); piece !== null; piece = archive.read()) length += (piece as Buffer).length
  archive.destroy()
  return length
}
