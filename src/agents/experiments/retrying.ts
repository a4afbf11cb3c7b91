import { accept, type Commanded, type Decision, type Near, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { deed } from '#contracts/experiment-deeds'
import { partOfSite, placeOfPart, type StepName } from '#contracts/experiment-parts'
import { comingFor, isOpen, isPulledInVain, siteOf, stepOf } from '#contracts/experiment-standing'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { type Policy, whyGone } from '#contracts/portal'
import { withWho } from './done-already.ts'
import { scheduled } from './next-steps.ts'
import { object, objectionToUse } from './place-nodes.ts'

/** Takes a step once more that has failed, or that made what the step behind it could not use. */
export const retry = (
  { data: { part, step: name }, key, scope, at }: Commanded<Extract<ExperimentCommand, { type: 'experiment.retry' }>>,
  experiment: KnownExperiment,
  policy: Policy,
  near: readonly Near[],
): Decision<ExperimentEvent> => {
  const step = stepOf(experiment, part, name)
  if (!step) return refuse('unknown-step', `${key} has taken no step ${name} for ${part} in this attempt`)
  const { site } = placeOfPart(part)
  if (step.state !== 'failed' && !isNeededAgain(experiment, part, name)) {
    const by = experiment.deeds[deed.retry(part, name, step.try)]
    return refuse(
      'not-failed',
      by
        ? withWho(`The step ${name} of ${part} is retried already, and is ${step.state}`, by, { at })
        : `The step ${name} of ${part} has not failed: it is ${step.state}`,
    )
  }
  const isOver =
    siteOf(experiment, site)?.stage === 'submitted' &&
    (name === 'run' || name === 'probe' || (name === 'collect' && !isPulledInVain(experiment, site)))
  if (isOver) return refuse('submitted', `${key} is submitted at ${site}: its runs are over`)
  const gone = whyGone(policy, part)
  if (gone !== undefined) return refuse('gone', gone)
  // It would take the place of what is just being brought, or take home half of it.
  const from = comingFor(experiment, part, name)
  const what = name === 'build' ? 'The code' : `What the run on ${from} has left`
  if (from) return refuse('under-way', `${what} is being brought to ${site}: retry once it is there`)
  const objection = objectionToUse(near, { key, scope, at }, (experiment.plan ?? experiment).resource.hours)
  if (objection) return object(objection)
  const more = name === 'run' ? { run: experiment.run + 1 } : {}
  return accept({ type: 'experiment.step-retried', data: { next: [scheduled(experiment, part, name, more)] } })
}

/** The end nodes that a step which is taken once more runs on, or leads to a run on. */
export const nodesRunBy = (
  experiment: Experiment,
  { part, step }: { readonly part: string; readonly step: StepName },
): readonly string[] => {
  if (experiment.status === 'unknown' || !stepOf(experiment, part, step)) return []
  if (step === 'run') return [part]
  if (step !== 'probe') return []
  return siteOf(experiment, placeOfPart(part).site)?.nodes ?? []
}

/** Whether what a step has made is to be made once more, as the step behind it can't use it, or as it was given up. */
const isNeededAgain = (experiment: KnownExperiment, part: string, name: StepName): boolean => {
  const whole = partOfSite(placeOfPart(part).site)
  const state = stepOf(experiment, part, name)?.state
  if (name === 'ship') return state === 'succeeded' && stepOf(experiment, whole, 'build')?.state === 'failed'
  if (name !== 'collect') return false
  if (isOpen(stepOf(experiment, part, name))) return false
  return state === 'cancelled' || isPulledInVain(experiment, placeOfPart(part).site)
}
