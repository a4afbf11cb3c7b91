import { type Decision, refuse } from '#bus/decider'
import { partOfSite } from '#contracts/experiment-parts'
import { isOpen, openRun, siteOf, stepOf } from '#contracts/experiment-standing'
import { type KnownExperiment, type Site, stages } from '#contracts/experiment-state'

/** Whether its present attempt has begun. */
export const hasBegun = ({ sites }: KnownExperiment): boolean => Object.keys(sites).length > 0

/** Whether it is in the testbed, at any of its sites. */
export const isInTestbed = ({ sites }: KnownExperiment): boolean =>
  Object.values(sites).some(({ stage }) => stages.indexOf(stage) >= stages.indexOf('testbed'))

/** The answer to whoever would change what is there. */
export const inTestbed = (key: string) =>
  refuse('in-testbed', `${key} is in the testbed: what it is can't be changed there any more. Clone it`)

/** The sites that are meant: those named, or all. */
export const sitesOf = (
  { sites }: KnownExperiment,
  named: readonly string[] | undefined,
): readonly (readonly [string, Site])[] =>
  Object.entries(sites).filter(([site]) => named === undefined || named.includes(site))

/** The sites that are meant, or why they can't be. */
export const meant = (
  key: string,
  experiment: KnownExperiment,
  named: readonly string[] | undefined,
): readonly (readonly [string, Site])[] | Decision<never> => {
  const unknown = named?.find((site) => siteOf(experiment, site) === undefined)
  if (unknown !== undefined) return refuse('wrong-site', `${key} is not at ${unknown} in this attempt`)
  const sites = sitesOf(experiment, named)
  return sites.length > 0 ? sites : refuse('idle', `${key} is idle: its user initiates its development first`)
}

/** Whether that is why they can't be. */
export const isRefusal = (sites: ReturnType<typeof meant>): sites is Decision<never> => 'accepted' in sites

/** Whether what a site has left is on its way to where it is to go. */
export const isComingHome = (experiment: KnownExperiment, site: string): boolean =>
  (['pull', 'upload'] as const).some((step) => isOpen(stepOf(experiment, partOfSite(site), step))) ||
  (siteOf(experiment, site)?.stage === 'submitted' && openRun(experiment, site).length > 0)
