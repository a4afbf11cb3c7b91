import { createHash, hash } from 'node:crypto'
import { closeSync, constants, createReadStream, lstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { lstat, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { Fault, reasonOf } from '#bus/fault'
import { resultPath } from './result-path.ts'

const digest = z.string().regex(/^[0-9a-f]{64}$/)

/** What a run gave: every file with its size in bytes and its SHA-256, by path; and what was not taken, and why. */
export const manifestSchema = z.object({
  version: z.literal(1),
  experiment: z.string(),
  attempt: z.int(),
  run: z.int(),
  site: z.string(),
  node: z.string(),
  /** The run did not come to a good end, or not all that it left was taken. */
  partial: z.boolean(),
  files: z.array(
    z.object({
      path: z.string().refine((path) => resultPath(path) === undefined, 'no path inside a folder'),
      size: z.int().nonnegative(),
      sha256: digest,
    }),
  ),
  refused: z.array(z.object({ path: z.string(), reason: z.string() })),
})

export type Manifest = z.infer<typeof manifestSchema>

/** No manifest is larger, in bytes. */
const largest = 256 * 1024 * 1024

/** Reads a manifest. Rejects where it is missing, too large or not one, saying what is wrong with it. */
export const readManifest = async (file: string): Promise<Manifest> => {
  try {
    const { size } = await lstat(file)
    if (size > largest) throw new Error(`it holds ${size} bytes, and may hold ${largest}`)
    return manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : reasonOf(cause)
    throw new Fault('results.manifest', `${file} is no manifest of results: ${why}. Fetch the results again`, { cause })
  }
}

/** What is no larger is read at once, in bytes: a stream takes longer to begin than such a file to read. */
const small = 1024 * 1024

/** The SHA-256 of a file, in hex, without more of it in memory than a piece. A link is not followed. */
export const sha256Of = async (file: string): Promise<string> => {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  const { size } = await handle.stat()
  if (size <= small) return hash('sha256', await handle.readFile().finally(() => handle.close()))
  const hashing = createHash('sha256')
  await pipeline(createReadStream('', { fd: handle }), hashing)
  return hashing.digest('hex')
}

export type Mismatch = { readonly path: string; readonly problem: 'missing' | 'altered' | 'surplus' }

/**
 * Everything in which a folder differs from its manifest, by path; nothing where they agree. Links and devices are surplus. It
 * holds up its thread, so it is for threads of its own: going to the disk and back for each of many small files takes three times
 * as long where others may go on meanwhile. Several threads can each look at a share, `number` of `of`, counted from 0.
 */
export const verifyManifest = (
  folder: string,
  manifest: Manifest,
  { number, of } = { number: 0, of: 1 },
): readonly Mismatch[] => {
  const expected = new Map(manifest.files.map((file, at) => [file.path, { ...file, isOurs: at % of === number }]))
  const mismatches: Mismatch[] = []
  const piece = Buffer.allocUnsafe(small)
  for (const { path, size } of entriesIn(folder)) {
    const file = expected.get(path)
    expected.delete(path)
    if (!file && number === 0) mismatches.push({ path, problem: 'surplus' })
    if (!file?.isOurs) continue
    if (size !== file.size || digestOf(join(folder, path), piece) !== file.sha256)
      mismatches.push({ path, problem: 'altered' })
  }
  for (const [path, { isOurs }] of expected) if (isOurs) mismatches.push({ path, problem: 'missing' })
  return mismatches.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** As `sha256Of`, while nothing else goes on. */
const digestOf = (file: string, piece: Buffer): string => {
  const opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const hashing = createHash('sha256')
    for (let length = readSync(opened, piece); length > 0; length = readSync(opened, piece))
      hashing.update(piece.subarray(0, length))
    return hashing.digest('hex')
  } finally {
    closeSync(opened)
  }
}

/** All but folders that lies in a folder; the size of what is no regular file is -1. */
function* entriesIn(folder: string, below = ''): Generator<{ path: string; size: number }> {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below ? `${below}/${entry.name}` : entry.name
    if (entry.isDirectory()) yield* entriesIn(folder, path)
    else yield { path, size: entry.isFile() ? lstatSync(join(folder, path)).size : -1 }
  }
}
