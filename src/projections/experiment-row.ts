import type { CloudLink } from '#contracts/cloud-link'
import { portalPart } from '#contracts/experiment-parts'
import { stageOf, stepOf, wordsOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { firstFailed, firstHeldUp, furthestBehind } from '#contracts/experiment-summary'
import { waitsOf } from '#contracts/experiment-waits'
import type { experiments } from './experiment-tables.ts'

type Row = (typeof experiments)['$inferInsert']

/** What can be said of an experiment as a whole once an event has been folded into it; its description is not in its state. */
export const rowOf = (
  experiment: KnownExperiment,
): Omit<
  Row,
  'experiment' | 'project' | 'description' | 'words' | 'cloneOf' | 'createdAt' | 'changedAt' | 'began' | 'since'
> => {
  const { mode, status } = wordsOf[stageOf(experiment)]
  const failed = firstFailed(experiment)
  const [waits = null] = waitsOf(experiment)
  const { name, creator, experimenters, attempt, run, approval, source, resource, cloudLink } = experiment
  const fetched = stepOf(experiment, portalPart, 'fetch')?.made
  return {
    ...{ name, creator, experimenters, attempt, run, approval, source, resource, mode },
    status: status as Row['status'],
    subState: furthestBehind(experiment)?.state ?? 'idle',
    failedStep: failed?.failed ?? null,
    failedPart: failed?.part ?? null,
    reason: (failed ?? firstHeldUp(experiment))?.reason ?? null,
    sites: Object.keys(experiment.sites).length > 0 ? Object.keys(experiment.sites) : resource.sites,
    nodes: Object.values(experiment.sites).flatMap(({ nodes }) => nodes),
    waitsFor: waits?.waitsFor ?? null,
    waits,
    cloudLink: cloudLink ? openly(cloudLink) : null,
    commit: fetched?.step === 'fetch' ? fetched.commit : null,
    state: experiment.status,
  }
}

/** A cloud link without what would let anybody in: no key of a secret, no user in an address, and nothing behind its `?`. */
const openly = ({ ...link }: CloudLink): CloudLink => {
  if ('secret' in link) delete link.secret
  if (link.kind === 'webdav') return { ...link, url: plain(link.url) }
  if (link.kind === 's3' && link.endpoint !== undefined) return { ...link, endpoint: plain(link.endpoint) }
  return link
}

const plain = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** What is searched in. */
export const wordsIn = (...texts: readonly string[]): string => texts.join('\n').toLowerCase()
