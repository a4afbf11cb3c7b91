import { join } from 'node:path'
import { placeOfPart } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'
import { type Manifest, readManifest } from '../containers/manifest.ts'
import type { Reach } from '../uploads/reach.ts'
import type { Vault } from '../uploads/secrets.ts'
import { targetOf } from '../uploads/target-of.ts'
import { upload } from '../uploads/upload.ts'
import type { Target } from '../uploads/upload-target.ts'
import { secretOf } from './cloud-links.ts'
import { resultsAt } from './places-of.ts'
import { collectedAt } from './pull-step.ts'
import { sparsely } from './sparsely.ts'
import type { Given, Taken, TakeStep } from './take-steps.ts'

type Uploading = {
  /** Where the portal keeps experiments. */
  readonly experiments: string
  /** Below which folder results may be laid down on this machine. */
  readonly directories: string | undefined
  /** What else may be sent to. */
  readonly reach: Reach
  readonly vault: Vault
}

/** Looks whether results can be put where they are to go, and puts them there. */
export const uploaderStep =
  (uploading: Uploading): TakeStep =>
  async (given) => {
    const target = await targetFor(uploading, given)
    try {
      return await bring(target, uploading.experiments, given)
    } finally {
      target.close?.()
    }
  }

const bring = async (
  target: Target,
  experiments: string,
  { id, step, experiment, say, signal }: Given,
): Promise<Taken> => {
  if (target.takes === 'archive' && Object.keys(experiment.sites).length > 1)
    return {
      failed: `${target.told} takes one object, and this experiment has results of several sites. Set a bucket, WebDAV or a folder as its cloud link, and retry`,
    }
  if (step.step === 'probe') {
    say(`Can results be put into ${target.told}?`)
    await target.probe(signal)
    say('They can')
    return { step: 'probe' }
  }
  const { site } = placeOfPart(step.part)
  const sets = await manifestsOf(experiments, id, experiment, site)
  const all = new Map(sets.map(({ folder, manifest }) => [manifest, folder]))
  const progress = sparsely(say)
  const { files, bytes } = await upload({
    target,
    folderOf: (manifest) => all.get(manifest) ?? '',
    manifests: [...all.keys()],
    say: (line) => say(line),
    progress: (done, of) => progress(done, of === 0 ? 100 : Math.floor((100 * done) / of)),
    signal,
  })
  return { step: 'upload', to: target.told, files, bytes }
}

const targetFor = async ({ vault, directories, reach }: Uploading, { id, experiment }: Given) => {
  const { cloudLink } = experiment
  if (!cloudLink) throw new Error('The experiment has no cloud link. Set one, and retry')
  return targetOf(cloudLink, await secretOf(vault, id, cloudLink), { directories, reach })
}

/** What has been pulled of a site: the manifest of each end node's results, and where they lie. */
const manifestsOf = (
  experiments: string,
  id: string,
  experiment: KnownExperiment,
  site: string,
): Promise<readonly { readonly folder: string; readonly manifest: Manifest }[]> =>
  Promise.all(
    collectedAt(experiment, site).map(async ({ node, attempt, run }) => {
      const folder = join(experiments, site, id, resultsAt(node, attempt, run))
      return { folder, manifest: await readManifest(join(folder, 'manifest.json')) }
    }),
  )
