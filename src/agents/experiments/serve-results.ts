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
import { checkedBytes } from '../uploads/checked-bytes.ts'
import { keepListings } from './keep-listings.ts'
import { listEach, pageOf } from './page-results.ts'
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

/** Tells what has been brought home of an experiment, and puts files of it into this host's bucket for whoever may see them. */
export const serveResults = ({ bus, host, experiments, policy, signal }: Serving): Promise<void> => {
  const listing = keepListings()
  return bus.serve(
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
        return collectedAt(known, site).map(({ node, attempt, run, results: { manifest } }) => {
          const folder = join(experiments, site, id, resultsAt(node, attempt, run))
          return { site, node, run, folder, list: () => listing(folder, manifest) }
        })
      })
      if (verb === 'list') {
        const { site, node, after = '' } = resultListAsked.parse(body)
        const found = sets.filter((one) => (site ?? one.site) === one.site && (node ?? one.node) === one.node)
        if (after !== '' && (site === undefined || node === undefined)) throw severalAfter()
        const all = await listEach(found)
        return { sets: pageOf(all, after) } satisfies ResultList
      }
      if (verb !== 'provide') throw faults.nothingThere(`such request: ${verb}`)
      const { site, node, path } = resultAsked.parse(body)
      const set = sets.find((one) => one.site === site && one.node === node)
      const file = (await set?.list())?.fileAt(path)
      if (!set || !file) throw faults.nothingThere(`result ${path} of ${site}/${node}`)
      // Named by the manifest alone: no other path is ever joined.
      const sent = { file: join(set.folder, 'files', file.path), size: file.size, sha256: file.sha256 }
      const bytes = () => Readable.toWeb(Readable.from(checkedBytes(sent))) as ReadableStream<Uint8Array>
      await bus.buckets.put(host, file.sha256, bytes)
      return { path, digest: file.sha256, size: file.size, host } satisfies ResultProvided
    },
    signal,
  )
}

/** Paths of one end node say nothing of those of another. */
const severalAfter = () =>
  new Fault('contract.broken', "'after' goes on with the files of one end node: say which one, with site and node")
