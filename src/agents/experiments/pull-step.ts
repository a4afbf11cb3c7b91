import { join } from 'node:path'
import { placeOfPart, type Results } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'
import type { Machine } from '../machines/machine.ts'
import type { Bundles } from './bundle.ts'
import { bringResults } from './check-results.ts'
import { resultsAt } from './places-of.ts'
import { sparsely } from './sparsely.ts'
import type { TakeStep } from './take-steps.ts'

/** Results that lie at a site server, by the end node that they are of. */
export type Collected = {
  readonly node: string
  readonly attempt: number
  readonly run: number
  readonly results: Results
  /** Whose bucket they can be had from, where they travel over the bus. */
  readonly bucket?: { readonly host: string; readonly bundle: string } | undefined
}

/** What the end nodes of a site have left there after the last run, whatever came of it. */
export const collectedAt = ({ sites, parts, attempt }: KnownExperiment, site: string): readonly Collected[] =>
  (sites[site]?.nodes ?? []).flatMap((part) => {
    const { run, collect } = parts[part] ?? {}
    if (!run?.results || collect?.state !== 'succeeded') return []
    const bundle = collect.made?.step === 'collect' ? collect.made.bundle : undefined
    return [
      {
        ...{ node: placeOfPart(part).node ?? '', attempt, run: run.run ?? 1, results: run.results },
        bucket: bundle === undefined ? undefined : { host: collect.host, bundle },
      },
    ]
  })

type Pulling = {
  /** Where the portal keeps experiments of this site. */
  readonly experiments: string
  readonly bundles: Bundles
  /** The site server, and where it keeps them; undefined where it is reached over the bus alone. */
  readonly site?: { readonly machine: Machine; readonly folder: string } | undefined
}

/** Brings the results of a site home to the portal, and holds them against their manifests. */
export const pullStep =
  ({ experiments, bundles, site: there }: Pulling): TakeStep =>
  async ({ id, step, experiment, say, run, signal }) => {
    const { site } = placeOfPart(step.part)
    let [files, bytes] = [0, 0]
    for (const { node, attempt, run: number, results, bucket } of collectedAt(experiment, site)) {
      const below = resultsAt(node, attempt, number)
      const into = join(experiments, id, below)
      const advice = `; where it does not, retry the step collect of ${site}/${node} before`
      if (bucket) {
        say(`Out of the bucket of ${bucket.host}: ${bucket.bundle}`)
        const bring = () => bundles.get(bucket, into, signal)
        await bringResults(into, results, { from: `the bucket of ${bucket.host}`, bring, advice })
      } else if (there) {
        const from = join(there.folder, id, below)
        const bring = () => there.machine.fetch(from, into, { exact: true, progress: sparsely(say), ran: run, signal })
        await bringResults(into, results, { from: `${from} at ${site}`, bring, advice })
      } else
        return { failed: `Nobody has said how results come from ${site}: give it ssh in the portal's file, and retry` }
      files += results.files
      bytes += results.bytes
    }
    say(`${files} files, ${bytes} bytes, each as its manifest says`)
    return { step: 'pull', files, bytes }
  }
