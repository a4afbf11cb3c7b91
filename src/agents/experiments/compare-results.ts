import { join } from 'node:path'
import { readManifest, sha256Of, verifyManifest } from '../containers/manifest.ts'

/** A folder with results, the SHA-256 of their manifest, and which share of them is looked at. */
export type Compared = {
  readonly folder: string
  readonly manifest: string
  readonly share: { readonly number: number; readonly of: number }
}

/** Something that is not as the run left it, below the folder of the results; what is there can be removed. */
export type Wrong = { readonly path: string; readonly problem: string; readonly isThere: boolean }

/** Holds results against what was left on the node: `folder` holds `manifest.json` and `files/`. Holds up its thread. */
export const compareResults = async ({ folder, manifest, share }: Compared): Promise<readonly Wrong[]> => {
  const path = 'manifest.json'
  const found = await sha256Of(join(folder, path)).catch(() => undefined)
  if (found !== manifest && share.number > 0) return []
  if (found === undefined) return [{ path, problem: 'missing', isThere: false }]
  if (found !== manifest) return [{ path, problem: `altered (it is ${found}, expected ${manifest})`, isThere: true }]
  const wrong = verifyManifest(join(folder, 'files'), await readManifest(join(folder, path)), share)
  return wrong.map(({ path, problem }) => ({ path: `files/${path}`, problem, isThere: problem !== 'missing' }))
}
