import { join } from 'node:path'
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import { askerIn, maySee } from '#contracts/asker'
import { addressOfExperiment, experimentId, partOfSite, portalPlace, projectOf } from '#contracts/experiment-parts'
import { mayNotSpeak, type Policy } from '#contracts/portal'
import { type ResultList, type ResultProvided, resultAsked, resultListAsked } from '#contracts/result-files'
import { askedBy, servicesOf } from '#contracts/subjects'
import { readManifest } from '../containers/manifest.ts'
import { checkedBytes } from '../uploads/checked-bytes.ts'
import { resultsAt } from './places-of.ts'
import { collectedAt } from './pull-step.ts'
import { readExperiment } from './read-experiment.ts'

type Serving = {
  readonly bus: Bus
  readonly host: string
  /** Where the portal keeps experiments. */
  readonly experiments: string
  readonly policy: () => Policy
  readonly signal: AbortSignal
}

/** How many files are listed at once. */
const listedAtOnce = 500

/** Tells what has been brought home of an experiment, and puts files of it into this host's bucket for whoever may see them. */
export const serveResults = ({ bus, host, experiments, policy, signal }: Serving): Promise<void> =>
  bus.serve(
    servicesOf(portalPlace, 'results'),
    async ({ subject, principal, onBehalfOf, body }) => {
      const unheard = mayNotSpeak(policy(), { principal, onBehalfOf })
      if (unheard !== undefined) throw new Fault('bus.denied', unheard)
      const { verb } = askedBy(subject)
      const { experiment: id } = z.object({ experiment: experimentId }).parse(body)
      if (!maySee(askerIn(policy(), onBehalfOf ?? principal), projectOf(id)))
        throw faults.nothingThere(`experiment ${id}`)
      const known = await readExperiment(bus, addressOfExperiment(id))
      if (!known) throw faults.nothingThere(`experiment ${id}`)
      const sets = Object.keys(known.sites).flatMap((site) => {
        if (known.parts[partOfSite(site)]?.pull?.state !== 'succeeded') return []
        return collectedAt(known, site).map(({ node, attempt, run }) => {
          const folder = join(experiments, site, id, resultsAt(node, attempt, run))
          return { site, node, run, folder }
        })
      })
      if (verb === 'list') {
        const { site, node, after = '' } = resultListAsked.parse(body)
        const found = sets.filter((one) => (site ?? one.site) === one.site && (node ?? one.node) === one.node)
        const all = await Promise.all(
          found.map(async (set) => ({ set, manifest: await readManifest(join(set.folder, 'manifest.json')) })),
        )
        return {
          sets: all.map(({ set: { site, node, run }, manifest: { partial, files, refused } }) => {
            const later = files.filter(({ path }) => path > after)
            const some = later.slice(0, listedAtOnce)
            const next = later.length > some.length ? (some.at(-1)?.path ?? null) : null
            return { site, node, run, partial, count: files.length, files: some, refused: refused.slice(0, 100), next }
          }),
        } satisfies ResultList
      }
      if (verb !== 'provide') throw faults.nothingThere(`such request: ${verb}`)
      const { site, node, path } = resultAsked.parse(body)
      const set = sets.find((one) => one.site === site && one.node === node)
      const manifest = set && (await readManifest(join(set.folder, 'manifest.json')))
      const file = manifest?.files.find((one) => one.path === path)
      if (!set || !file) throw faults.nothingThere(`result ${path} of ${site}/${node}`)
      // Named by the manifest alone: no other path is ever joined.
      const sent = { file: join(set.folder, 'files', file.path), size: file.size, sha256: file.sha256 }
      const bytes = () => Readable.toWeb(Readable.from(checkedBytes(sent))) as ReadableStream<Uint8Array>
      await bus.buckets.put(host, file.sha256, bytes)
      return { path, digest: file.sha256, size: file.size, host } satisfies ResultProvided
    },
    signal,
  )
