import { deed } from '#contracts/experiment-deeds'
import { partOfSite } from '#contracts/experiment-parts'
import { siteOf, stepOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { when } from './done-already.ts'

/** How the last run at a site ended that did not succeed, as a sentence: where it was cancelled, by whom. `at` is now. */
export const howEnded = ({ at }: { readonly at: number }, experiment: KnownExperiment, site: string): string => {
  const parts = [partOfSite(site), ...(siteOf(experiment, site)?.nodes ?? [])]
  const steps = ['probe', 'run', 'collect'] as const
  const ends = parts.flatMap((part) => steps.map((step) => stepOf(experiment, part, step)?.state))
  if (ends.includes('failed') || !ends.includes('cancelled')) return `The last run at ${site} failed`
  const by = experiment.deeds[deed.cancel]
  return `The last run at ${site} was cancelled${by ? ` by ${by.who} ${when(by.at, at)}` : ''}`
}
