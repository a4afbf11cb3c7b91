import { accept, type Decision, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { placeOfPart, type ScheduledStep, type StepExecution } from '#contracts/experiment-parts'
import { isOpen, stepOf } from '#contracts/experiment-standing'
import { isOf, type KnownExperiment, nameOf, type Step } from '#contracts/experiment-state'
import { afterRun, afterSuccess } from './next-steps.ts'

type Data<Type extends ExperimentCommand['type']> = Extract<ExperimentCommand, { type: Type }>['data']
type Decided = Decision<ExperimentEvent>

/** The step that an execution is of, if it is one of the present attempt. */
export const found = (experiment: KnownExperiment, { part, step, attempt }: StepExecution): Step | undefined =>
  attempt === experiment.attempt ? stepOf(experiment, part, step) : undefined

/** Whether somebody who was not heard of for too long may still say how a step ended: until its site is submitted without that. */
export const isAwaited = ({ sites }: KnownExperiment, step: Step, { part }: StepExecution): boolean =>
  step.state === 'failed' && step.silent === true && sites[placeOfPart(part).site]?.stage !== 'submitted'

const holds = (step: Step, execution: StepExecution): boolean => step.state === 'running' && isOf(step, execution)

/** What of a command says which execution it is about. */
export const executionOf = ({
  part,
  step,
  agent,
  attempt,
  try: tries,
  delivery,
  instance,
}: StepExecution): StepExecution => ({
  ...{ part, step, agent, attempt },
  try: tries,
  ...{ delivery, instance },
})

const endedAs: Readonly<Record<Exclude<Step['state'], 'running'>, string>> = {
  scheduled: 'was asked for anew',
  succeeded: 'has succeeded',
  failed: 'has failed',
  cancelled: 'was cancelled',
}

/** Why an execution is nobody's business any longer. */
export const past = (
  experiment: KnownExperiment,
  step: Step | undefined,
  { attempt }: StepExecution,
): Decision<never> => {
  if (attempt !== experiment.attempt)
    return refuse('old-attempt', `It is at attempt ${experiment.attempt}; attempt ${attempt} was terminated`)
  if (step?.state === 'running') return refuse('superseded', `${step.host} takes this step`)
  return refuse(
    'ended',
    step ? `The step is not taken any longer: it ${endedAs[step.state]}` : 'Nobody has asked for this step',
  )
}

export const beat = (data: StepExecution, experiment: KnownExperiment): Decided => {
  const step = found(experiment, data)
  // A host that comes back after its time was over goes on, and says how it ended.
  if (step && isAwaited(experiment, step, data) && isOf(step, data)) return accept()
  if (!step || !holds(step, data)) return past(experiment, step, data)
  return step.stopping === undefined ? accept() : refuse('cancelled', step.stopping)
}

export const turn = (data: Data<'experiment.turn-step'>, experiment: KnownExperiment): Decided => {
  const step = found(experiment, data)
  if (!step || !holds(step, data)) return past(experiment, step, data)
  const { phase, reason } = data
  if (step.phase === phase && step.reason === reason) return accept()
  return accept<ExperimentEvent>({ type: 'experiment.step-turned', data: { ...executionOf(data), phase, reason } })
}

export const report = (data: Data<'experiment.report-step'>, experiment: KnownExperiment): Decided => {
  const execution = executionOf(data)
  const { result } = data
  const step = found(experiment, data)
  // Nobody had heard of it for too long; what it says now is true all the same.
  const isLate = step !== undefined && isAwaited(experiment, step, data) && isOf(step, data)
  if (!step || (!holds(step, data) && !isLate)) {
    if (step && isOf(step, data) && step.outcome === outcomeOf(step, result)) return accept()
    const because = past(experiment, step, data)
    if (because.accepted || experiment.ignored.includes(nameOf(execution))) return because
    const { detail: reason } = because
    return accept<ExperimentEvent>({
      type: 'experiment.report-ignored',
      data: { ...execution, reported: result.outcome, reason },
    })
  }
  const { part } = execution
  switch (result.outcome) {
    case 'succeeded': {
      if (result.made.step !== execution.step)
        return refuse('wrong-result', `made.step: expected ${execution.step}, as the step is, not ${result.made.step}`)
      const next = [...afterSuccess(experiment, part, execution.step)]
      return accept<ExperimentEvent>({
        type: 'experiment.step-succeeded',
        data: { ...execution, made: result.made, next },
      })
    }
    case 'cancelled':
      if (outcomeOf(step, result) !== 'cancelled') break
      return accept<ExperimentEvent>({
        type: 'experiment.step-cancelled',
        data: {
          ...{ part, step: execution.step, attempt: execution.attempt, try: execution.try },
          ...{ reason: result.reason, stopped: true, results: result.results },
          next: result.results ? [...afterRun(experiment, part)] : [],
        },
      })
    case 'failed':
    case 'errored':
      break
  }
  return accept<ExperimentEvent>({
    type: 'experiment.step-failed',
    data: {
      ...execution,
      how: result.outcome === 'failed' ? 'failed' : 'errored',
      reason: result.reason,
      ...('code' in result && { code: result.code }),
      results: result.results,
      next: result.results && execution.step === 'run' ? [...afterRun(experiment, part)] : [],
    },
  })
}

/** What a result counts as. Where nobody asked it to stop it did so by itself, and that is a failure like any other. */
const outcomeOf = (
  { stopping }: Step,
  { outcome }: Data<'experiment.report-step'>['result'],
): Data<'experiment.report-step'>['result']['outcome'] =>
  outcome === 'cancelled' && stopping === undefined ? 'errored' : outcome

/** What has been silent for too long is failed; whoever executes it may yet say how it ended. */
export const expire = (data: StepExecution, experiment: KnownExperiment): Decided => {
  const step = found(experiment, data)
  if (!step || !holds(step, data)) return accept()
  const reason = `${step.host} has said nothing since its time was over: it is cut off, or not there. If it comes back it says how the run ended; else retry, or accept what there is`
  return accept<ExperimentEvent>({
    type: 'experiment.step-failed',
    data: { ...executionOf(data), how: 'errored', reason, silent: true, next: [] },
  })
}

/** What was to stop and has not said so by now is left to itself. */
export const settle = ({ attempt, nodes }: Data<'experiment.settle'>, experiment: KnownExperiment): Decided => {
  if (attempt !== experiment.attempt) return accept()
  return accept(
    ...nodes.flatMap((part): readonly ExperimentEvent[] => {
      const step = stepOf(experiment, part, 'run')
      if (!step || step.stopping === undefined || !isOpen(step)) return []
      const reason = `${step.host} has not said that it stopped`
      return [{ type: 'experiment.step-cancelled', data: cancelled(experiment, part, step, reason, false) }]
    }),
  )
}

/** A run that ends before its time, as far as the experiment is concerned. */
export const cancelled = (
  { attempt }: KnownExperiment,
  part: string,
  step: Step,
  reason: string,
  stopped: boolean,
): Extract<ExperimentEvent, { type: 'experiment.step-cancelled' }>['data'] => ({
  ...{ part, step: 'run', attempt, try: step.try, reason, stopped, next: [] },
})

/** Lets the site server build what another was to tell it to build. */
export const handOver = (
  site: string,
  experiment: KnownExperiment,
  schedule: (experiment: KnownExperiment, part: string) => ScheduledStep,
): Decided => {
  const part = `${site}/self`
  const build = stepOf(experiment, part, 'build')
  if (placeOfPart(part).site !== site || !build || isOpen(stepOf(experiment, part, 'ship')))
    return refuse('not-shipped', `There is nothing to build at ${site} yet: its code has not been brought there`)
  if (build.state === 'succeeded' || (isOpen(build) && build.agent === 'site-server')) return accept()
  const next = schedule(experiment, part)
  const again = build.state === 'failed' ? next : { ...next, try: build.try }
  return accept<ExperimentEvent>({ type: 'experiment.step-handed-over', data: { next: [again] } })
}
