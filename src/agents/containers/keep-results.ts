import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { Fault, reasonOf } from '#bus/fault'
import type { Ending } from './ending.ts'
import type { Manifest } from './manifest.ts'
import type { RunIdentity } from './run-identity.ts'
import type { Taken } from './take-results.ts'

const outcomeSchema = z.object({
  run: z.object({ experiment: z.string(), attempt: z.int(), number: z.int(), site: z.string(), node: z.string() }),
  outcome: z.enum(['succeeded', 'failed']),
  exitCode: z.int().exactOptional(),
  reason: z.string().exactOptional(),
  /** What was taken; `manifest` is the SHA-256 of the file manifest.json. */
  results: z.object({ files: z.int(), bytes: z.number(), manifest: z.string(), partial: z.boolean() }),
})

/** How a run ended, and what it gave. */
export type RunOutcome = z.infer<typeof outcomeSchema>

/** Where results are while they are taken: beside their folder, so that they appear as a whole. */
export const beside = (folder: string): string => `${resolve(folder)}.taking`

/**
 * Puts taken results in their place: `files/` with what was taken, `manifest.json`, and `outcome.json`. They were taken into
 * `files` of the folder beside it; all of it appears at once.
 */
export const keepResults = async (
  folder: string,
  run: RunIdentity,
  ending: Ending,
  { files, refused }: Taken,
): Promise<RunOutcome> => {
  const { experiment, attempt, number, site, node } = run
  const partial = ending.reason !== undefined || refused.length > 0
  const manifest: Manifest = { version: 1, experiment, attempt, run: number, site, node, partial, files, refused }
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`
  const outcome: RunOutcome = {
    run: { experiment, attempt, number, site, node },
    outcome: ending.reason === undefined ? 'succeeded' : 'failed',
    ...ending,
    results: {
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      manifest: createHash('sha256').update(text).digest('hex'),
      partial,
    },
  }
  const taking = beside(folder)
  await mkdir(join(taking, 'files'), { recursive: true })
  await mkdir(dirname(resolve(folder)), { recursive: true })
  await writeFile(join(taking, 'manifest.json'), text, { flush: true })
  await writeFile(join(taking, 'outcome.json'), JSON.stringify(outcome), { flush: true })
  await rename(taking, folder)
  return outcome
}

/** How a run ended whose results are here already; undefined where nothing is here. Rejects where something else is. */
export const keptOutcome = async (folder: string, run: RunIdentity): Promise<RunOutcome | undefined> => {
  if (!(await stat(folder).catch(() => undefined))) {
    await rm(beside(folder), { recursive: true, force: true })
    return undefined
  }
  const found = await readFile(join(folder, 'outcome.json'), 'utf8')
    .then((text) => outcomeSchema.parse(JSON.parse(text)))
    .catch((cause) => {
      throw taken(folder, reasonOf(cause), cause)
    })
  const same = (Object.keys(found.run) as (keyof RunIdentity)[]).every((key) => found.run[key] === run[key])
  if (!same) throw taken(folder, `it holds run ${found.run.number} of ${found.run.experiment}`)
  return found
}

const taken = (folder: string, why: string, cause?: unknown) =>
  new Fault('results.taken', `${folder} is there already, and is not this run's: ${why}. Move it away, and retry`, {
    cause,
  })
