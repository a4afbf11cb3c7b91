import { join } from 'node:path'
import { Fault } from '#bus/fault'
import type { Made } from '#contracts/experiment-parts'
import { partOfSite, portalPart } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'

/** What lies beside an experiment's code at its site, and is none of it. */
export const besideCode = ['results', 'docker-compose.yml'] as const

/** The folder of a run's results at a site server, below that of its experiment. */
export const resultsAt = (node: string, attempt: number, run: number): string =>
  join('results', node, runFolder(attempt, run))

/** The same on the end node itself. */
export const resultsOn = (attempt: number, run: number): string => join('results', runFolder(attempt, run))

const runFolder = (attempt: number, run: number): string => `${attempt}-${run}`

type MadeBy<Step extends Made['step']> = Extract<Made, { step: Step }>

/** What a step has made in this attempt; a fault where it has not been taken. */
export const madeIn = <Step extends Made['step']>(
  { parts }: KnownExperiment,
  part: string,
  step: Step,
): MadeBy<Step> => {
  const made = parts[part]?.[step]?.made
  if (made?.step === step) return made as MadeBy<Step>
  throw new Fault('step.missing', `The step ${step} of ${part} has not been taken in this attempt`)
}

/** The commit that this attempt builds. */
export const commitOf = (experiment: KnownExperiment): string => madeIn(experiment, portalPart, 'fetch').commit

/** What was built at a site in this attempt. */
export const builtAt = (experiment: KnownExperiment, site: string): MadeBy<'build'> =>
  madeIn(experiment, partOfSite(site), 'build')
