import { accept, type Commanded, type Decision, type Near, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import type { StepExecution } from '#contracts/experiment-parts'
import { isOpen } from '#contracts/experiment-standing'
import { type Experiment, isOf, type KnownExperiment } from '#contracts/experiment-state'
import { within } from './next-steps.ts'
import { objectionToUse } from './place-nodes.ts'
import { executionOf, found, isAwaited, past } from './taking-steps.ts'

/**
 * A higher delivery supersedes: the server delivers again only once the lease of the one before has run out. What nobody had heard
 * of for too long goes on where it is; and what was told to stop is begun, so that its host stops it and says so. Whoever was promised
 * an end node meanwhile has it: a run that was to begin there has failed.
 */
export const start = (
  { data, key, scope, at }: Commanded<Extract<ExperimentCommand, { type: 'experiment.start-step' }>>,
  experiment: KnownExperiment,
  near: readonly Near[],
): Decision<ExperimentEvent> => {
  const step = found(experiment, data)
  if (!step || !(isOpen(step) || isAwaited(experiment, step, data))) return past(experiment, step, data)
  if (step.agent !== data.agent || step.try !== data.try)
    return refuse('ended', `It was asked of ${step.agent} since, for the ${step.try}. time`)
  if (step.state === 'running') {
    if (isOf(step, data)) return accept()
    if (data.delivery <= step.delivery) return past(experiment, step, data)
  }
  const { duration } = step
  const times = duration === undefined ? {} : { duration, timeout: duration + within.run }
  const started = { ...executionOf(data), host: data.host, ...times }
  const begun: ExperimentEvent = { type: 'experiment.step-started', data: started }
  const objection = objectionToUse(near, { key, scope, at }, (duration ?? 0) / hour)
  if (!objection) return accept(begun)
  const failed = { ...executionOf(data), how: 'failed' as const, reason: objection.detail, next: [] }
  return accept<ExperimentEvent>(begun, { type: 'experiment.step-failed', data: failed })
}

/** Whether a run on an end node is to begin now: what runs there already goes on. */
export const isAboutToRun = (experiment: Experiment, data: StepExecution): boolean =>
  data.step === 'run' && experiment.status !== 'unknown' && found(experiment, data)?.state === 'scheduled'

const hour = 3_600_000
