import { accept, type Decision } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { StepExecution } from '#contracts/experiment-parts'
import { isOpen } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { executionOf, found, past } from './taking-steps.ts'

/**
 * A step at a place that is there no longer has failed as soon as anybody speaks of it. One that had not begun begins with that, so
 * that it is told when it was taken up, and by whom.
 */
export const failGone = (
  data: StepExecution & { readonly host?: string | undefined },
  experiment: KnownExperiment,
  reason: string,
): Decision<ExperimentEvent> => {
  const step = found(experiment, data)
  if (!step || !isOpen(step) || step.agent !== data.agent || step.try !== data.try) return past(experiment, step, data)
  const failed = (execution: StepExecution): ExperimentEvent => ({
    type: 'experiment.step-failed',
    data: { ...execution, how: 'failed', reason, next: [] },
  })
  const said = executionOf(data)
  if (step.state === 'running') return accept(failed({ ...said, delivery: step.delivery, instance: step.instance }))
  if (data.host === undefined) return past(experiment, step, data)
  return accept<ExperimentEvent>({ type: 'experiment.step-started', data: { ...said, host: data.host } }, failed(said))
}
