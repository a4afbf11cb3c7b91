import { createHash } from 'node:crypto'
import { partOfSite, placeOfPart, portalPart, type StepName, steps } from '#contracts/experiment-parts'
import { isOpen, stepOf, subStateOf } from '#contracts/experiment-standing'
import type { KnownExperiment, Step } from '#contracts/experiment-state'
import { partsOf } from '#contracts/experiment-summary'
import type { Desired, experimentParts, Reported } from './experiment-tables.ts'

type PartRow = Omit<(typeof experimentParts)['$inferInsert'], 'experiment' | 'project' | 'at' | 'since' | 'until'>

/** What can be said of each part of an experiment: the portal, each site as a whole, and each end node. */
export const partRowsOf = (experiment: KnownExperiment): readonly PartRow[] => {
  const sites = Object.keys(experiment.sites)
  if (sites.length === 0) return []
  const parts = new Set([portalPart, ...sites.map(partOfSite), ...partsOf(experiment)])
  return [...parts].map((part) => partRow(experiment, part))
}

const partRow = (experiment: KnownExperiment, part: string): PartRow => {
  const { site, node = null } = placeOfPart(part)
  const last = lastOf(experiment, part)
  const at = last && stepOf(experiment, part, last)
  const { state: subState, failed = null, reason = null } = subStateOf(experiment, part)
  const run = stepOf(experiment, part, 'run')
  return {
    ...{ part, site, node, subState, reason },
    stage: experiment.sites[site]?.stage ?? null,
    step: last ?? null,
    state: at?.state ?? null,
    phase: at?.phase || null,
    host: at?.host || null,
    try: at?.try ?? null,
    run: at?.run ?? null,
    failedStep: failed,
    desired: desiredOf(experiment, part, last),
    reported: reportedOf(experiment, part, last, at),
    results: run?.results ?? null,
  }
}

/** The step of a part that was asked for last. */
const lastOf = (experiment: KnownExperiment, part: string): StepName | undefined =>
  steps.toReversed().find((step) => stepOf(experiment, part, step) !== undefined)

/** What was built at the site of a part. */
const builtAt = (experiment: KnownExperiment, part: string) => {
  const made = stepOf(experiment, partOfSite(placeOfPart(part).site), 'build')?.made
  return made?.step === 'build' ? { image: made.image, compose: digestOf(made.compose) } : undefined
}

const nothing = { image: null, compose: null }

const desiredOf = (experiment: KnownExperiment, part: string, last: StepName | undefined): Desired => ({
  step: last ?? null,
  run: (last && stepOf(experiment, part, last)?.run) ?? null,
  ...(isWhole(part) ? nothing : (builtAt(experiment, part) ?? nothing)),
  stop: stepOf(experiment, part, 'run')?.stopping !== undefined && isOpen(stepOf(experiment, part, 'run')),
})

/** Nothing is there before somebody has said that it was brought there. */
const reportedOf = (
  experiment: KnownExperiment,
  part: string,
  last: StepName | undefined,
  at: Step | undefined,
): Reported => {
  const isThere = isWhole(part) || stepOf(experiment, part, 'deliver')?.state === 'succeeded'
  const ran = stepOf(experiment, part, 'run')?.made
  return {
    step: last ?? null,
    state: at?.state === 'scheduled' ? null : (at?.state ?? null),
    phase: at?.phase || null,
    ...((isThere && part !== portalPart && builtAt(experiment, part)) || nothing),
    exitCode: ran?.step === 'run' ? ran.exitCode : null,
  }
}

const isWhole = (part: string): boolean => placeOfPart(part).node === undefined

/** The SHA-256 of a text, in hexadecimal. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
