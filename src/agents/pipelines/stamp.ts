import { hash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { digestOfFile } from './folder.ts'

/** Up to this size, in bytes, a file is read in one go: the buffers of a stream cost more than such a file. */
const small = 64 * 1024

/** What tells a file from what it was before; the time in nanoseconds. */
export type Stamp = { readonly size: number; readonly modified: string }

/** The SHA-256 of a file that was as large as expected a moment ago, and how large it was when it was read. */
export const digestOf = (
  file: string,
  expected: number,
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> =>
  expected > small ? digestOfFile(file, signal) : digestOfSmall(file, expected)

/** Reads one byte more than there should be: a file that has grown meanwhile shows it by its size. */
const digestOfSmall = async (file: string, expected: number): Promise<{ digest: string; size: number }> => {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(expected + 1), 0, expected + 1)
    return { digest: hash('sha256', buffer.subarray(0, bytesRead)), size: bytesRead }
  } finally {
    await handle.close()
  }
}

/** Whether nothing lies at a path; what can't be looked at now is not gone. */
export const isGone = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ENOTDIR',
  )

/** Whether a name had to be patched to be text. */
export const isGarbled = (name: string): boolean => name.includes('\uFFFD')

export const stampOf = ({ size, mtimeNs }: { size: bigint; mtimeNs: bigint }): Stamp => ({
  size: Number(size),
  modified: String(mtimeNs),
})

/** Whether a file is as it was when it was last taken, as far as stats without nanoseconds tell: to a quarter of a microsecond. */
export const isAs = (known: Stamp | undefined, { size, mtimeMs }: Stats): boolean =>
  known?.size === size && Math.abs(Number(known.modified) / 1e6 - mtimeMs) < 0.001

export const same = (a: Stamp, b: Stamp): boolean => a.size === b.size && a.modified === b.modified
