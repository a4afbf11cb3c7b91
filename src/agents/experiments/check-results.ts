import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Fault, reasonOf } from '#bus/fault'
import type { Results } from '#contracts/experiment-parts'
import { type Manifest, readManifest, sha256Of } from '../containers/manifest.ts'
import type { Compared, Wrong } from './compare-results.ts'

/** How many things that are wrong are told. */
const told = 5

/** Reads the manifest of results, which must be that of a hash. */
export const readManifestOf = async (folder: string, manifest: string): Promise<Manifest> => {
  const path = join(folder, 'manifest.json')
  const found = await sha256Of(path).catch(() => undefined)
  if (found !== manifest)
    throw new Fault(
      'results.altered',
      `${path} ${found === undefined ? 'is missing' : `has been altered: it is ${found}`}; expected ${manifest}. Retry this step; if that does not help, retry the one before`,
    )
  return readManifest(path)
}

/** Where a copy comes from, as people call it, how it is brought, and what else helps where that is altered too. */
type Copy = { readonly from: string; readonly bring: () => Promise<void>; readonly advice?: string | undefined }

/**
 * Refuses results that are not what was left on the node: `folder` holds `manifest.json` and `files/`. There is no other copy of
 * them, so nothing is touched.
 */
export const checkResults = async (folder: string, results: Pick<Results, 'manifest'>): Promise<void> => {
  const wrong = await wrongIn(folder, results)
  if (wrong.length === 0) return
  throw new Fault(
    'results.altered',
    `Results have been altered in ${folder}, and there is no other copy of them: ${listed(wrong)}. Put back what was there, and retry this step; else it is to be run again`,
  )
}

/**
 * Brings a copy of results into a folder, and holds it against what was left on the node. What is found altered of it is removed,
 * as whoever copies may pass over what has the right size and time, and brought once more; where that does not help it is removed
 * again before this rejects, so that a later call brings it anew.
 */
export const bringResults = async (
  folder: string,
  results: Pick<Results, 'manifest'>,
  { from, bring, advice = '' }: Copy,
): Promise<void> => {
  let wrong: readonly Wrong[] = []
  for (let times = 0; times < 2; times++) {
    await bring()
    wrong = await wrongIn(folder, results)
    if (wrong.length === 0) return
    for (const { path, isThere } of wrong) if (isThere) await rm(join(folder, path), { recursive: true, force: true })
  }
  throw new Fault(
    'results.altered',
    `Results have been altered on the way to ${folder}: ${listed(wrong)}, and they came so twice. See that ${from} holds what the run left, and retry this step${advice}`,
  )
}

const thread = import.meta.url.endsWith('.ts') ? './compare-thread.ts' : './compare-thread.js'

/** How many threads look through results, each at a share of them. */
const threads = Math.min(2, availableParallelism())

/** What is wrong in a folder, found out in threads of their own, so that meanwhile the host goes on. */
const wrongIn = async (folder: string, { manifest }: Pick<Results, 'manifest'>): Promise<readonly Wrong[]> => {
  const shares = Array.from({ length: threads }, (_, number) => ({ number, of: threads }))
  const found = await Promise.all(shares.map((share) => compare({ folder, manifest, share })))
  return found.flat().toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const compare = async (compared: Compared): Promise<readonly Wrong[]> => {
  const comparing = new Worker(new URL(thread, import.meta.url), { workerData: compared })
  try {
    const [wrong] = await once(comparing, 'message')
    return wrong
  } catch (cause) {
    // What comes from another thread is no Fault any more.
    const { code = 'results.unreadable' } = cause as { readonly code?: string }
    throw new Fault(code, reasonOf(cause), { cause })
  } finally {
    await comparing.terminate()
  }
}

const listed = (wrong: readonly Wrong[]): string => {
  const some = wrong.slice(0, told).map(({ path, problem }) => `${path} is ${problem}`)
  return `${some.join(', ')}${wrong.length > told ? `, and ${wrong.length - told} more` : ''}`
}
