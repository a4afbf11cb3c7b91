import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { constants, deflateRawSync } from 'node:zlib'

const block = 16 * 1024 ** 2
const modulus = 65_521
const zeros = Buffer.alloc(block)

/**
 * Puts a file of zeros, of so many times 16 MiB, into a repository in a moment, as the same few bytes over and over unpack to it.
 * Gives the name that git knows it by. That of an `unsummed` one is made up: to sum it takes long, and only who is sent it sees.
 */
export const largeBlob = (folder: string, blocks: number, how?: 'unsummed'): string => {
  const header = Buffer.from(`blob ${blocks * block}\0`)
  const hash = createHash('sha1').update(header)
  if (!how) for (let at = 0; at < blocks; at++) hash.update(zeros)
  const name = hash.digest('hex')
  const packed = (part: Buffer) => deflateRawSync(part, { finishFlush: constants.Z_FULL_FLUSH })
  const parts = new Array<Buffer>(blocks).fill(packed(zeros))
  const end = [deflateRawSync(Buffer.alloc(0)), sumOf(header, blocks * block)]
  const path = join(folder, '.git/objects', name.slice(0, 2), name.slice(2))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, Buffer.concat([Buffer.from([0x78, 0x9c]), packed(header), ...parts, ...end]))
  return name
}

/** Adler's sum of some bytes and so many zeros. */
const sumOf = (some: Buffer, more: number): Buffer => {
  let [a, b] = [1, 0]
  for (const byte of some) {
    a = (a + byte) % modulus
    b = (b + a) % modulus
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(((b + a * more) % modulus) * 65_536 + a)
  return sum
}
