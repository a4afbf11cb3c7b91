import { createHash } from 'node:crypto'
import { checkedBytes } from './checked-bytes.ts'
import type { SentFile } from './upload-target.ts'

/** A stretch of a file, in bytes, and its SHA-256 in base64. */
export type Part = { readonly start: number; readonly length: number; readonly sha256: string }

/** What has so many bytes or fewer goes in one part; and so many parts there may be. */
const largestPart = 64 * 1024 * 1024
const mostParts = 10_000

/** The digest that is written in hexadecimal, as base64. */
export const base64Of = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')

/** The parts in which a file is sent, one where it is small. Rejects where its bytes are not those of its digest. */
export const partsOf = async (sent: SentFile): Promise<readonly Part[]> => {
  const step = Math.max(largestPart, Math.ceil(sent.size / mostParts))
  const parts: Part[] = []
  let [start, length, hash] = [0, 0, createHash('sha256')]
  const close = () => {
    parts.push({ start, length, sha256: hash.digest('base64') })
    start += length
    length = 0
    hash = createHash('sha256')
  }
  for await (let piece of checkedBytes(sent)) {
    while (length + piece.length > step) {
      const left = step - length
      hash.update(piece.subarray(0, left))
      length = step
      piece = piece.subarray(left)
      close()
    }
    hash.update(piece)
    length += piece.length
  }
  if (length > 0 || parts.length === 0) close()
  return parts
}
