import { join } from 'node:path'
import { Fault } from '#bus/fault'
import type { Results } from '#contracts/experiment-parts'
import { type Manifest, readManifest, sha256Of, verifyManifest } from '../containers/manifest.ts'

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

/** Refuses results that are not what was left on the node: `folder` holds `manifest.json` and `files/`. */
export const checkResults = async (folder: string, { manifest }: Pick<Results, 'manifest'>): Promise<void> => {
  const wrong = await verifyManifest(join(folder, 'files'), await readManifestOf(folder, manifest))
  if (wrong.length === 0) return
  const some = wrong.slice(0, told).map(({ path, problem }) => `${path} is ${problem}`)
  const more = wrong.length > told ? `, and ${wrong.length - told} more` : ''
  throw new Fault('results.altered', `Results have been altered on the way: ${some.join(', ')}${more}. Retry this step`)
}
