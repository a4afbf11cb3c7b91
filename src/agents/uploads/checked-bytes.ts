import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { uploadFaults } from './upload-faults.ts'
import type { SentFile } from './upload-target.ts'

const pieceSize = 256 * 1024

/**
 * The bytes of a file, the last of which are held back until all have turned out to be those of its digest: who gets to the end has
 * the right ones. Throws where they are others, or it is no regular file. A link is not followed.
 */
export async function* checkedBytes({ file, size, sha256 }: SentFile): AsyncGenerator<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: NodeJS.ErrnoException) => {
      throw uploadFaults.altered(file, cause.code === 'ENOENT' ? 'it is not there' : `it can't be read (${cause.code})`)
    },
  )
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw uploadFaults.altered(file, 'it is no file')
    if (found.size !== size) throw uploadFaults.altered(file, `it has ${found.size} bytes, not ${size}`)
    const hash = createHash('sha256')
    for (let at = 0; at < size; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(pieceSize, size - at)), {
        position: at,
      })
      if (bytesRead === 0) throw uploadFaults.altered(file, `it ends after ${at} bytes of ${size}`)
      at += bytesRead
      const piece = buffer.subarray(0, bytesRead)
      hash.update(piece)
      if (at === size) check(file, hash.digest('hex'), sha256)
      yield piece
    }
    if (size === 0) check(file, hash.digest('hex'), sha256)
  } finally {
    await handle.close()
  }
}

/** Rejects where a file's bytes are not those of its digest. */
export const checkFile = async (sent: SentFile): Promise<void> => {
  for await (const _ of checkedBytes(sent));
}

const check = (file: string, found: string, expected: string): void => {
  if (found !== expected) throw uploadFaults.altered(file, 'its SHA-256 is another one')
}
