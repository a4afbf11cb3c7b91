import { partOfSite, placeOfPart } from '#contracts/experiment-parts'
import { isOpen, siteOf, stepOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'

/** How the last run of a part ended, or that it is under way, in words; empty where there was none in this attempt. */
export const lastRunOf = (experiment: KnownExperiment, part: string): string => {
  const { site } = placeOfPart(part)
  if (!siteOf(experiment, site)?.hasRun) return ''
  const steps = {
    probe: stepOf(experiment, partOfSite(site), 'probe'),
    run: stepOf(experiment, part, 'run'),
    collect: stepOf(experiment, part, 'collect'),
  }
  const run = (isOpen(steps.probe) ? undefined : steps.run?.run) ?? experiment.run
  if (Object.values(steps).some(isOpen)) return `${run} ${steps.run?.stopping === undefined ? 'under way' : 'stopping'}`
  for (const state of ['failed', 'cancelled'] as const)
    for (const [name, step] of Object.entries(steps)) if (step?.state === state) return `${run} ${state} at ${name}`
  return steps.collect?.state === 'succeeded' ? `${run} succeeded` : ''
}
