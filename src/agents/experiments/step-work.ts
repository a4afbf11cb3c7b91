import type { Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { type ScheduledStep, type StepExecution, workOfStep } from '#contracts/experiment-parts'
import type { Wording } from '../result.ts'

/** A step that is to be taken, as the event says that asks for it. */
export type StepTask = Recorded<string, ScheduledStep>

/** How a step ended, in the words of its report. */
export type StepResult = Extract<ExperimentCommand, { type: 'experiment.report-step' }>['data']['result']

/** The work of an experiment, in its words. */
export const inExperiments: Wording<StepTask, StepExecution> = {
  taskIn: (recorded, { where, agent }) => {
    const { data } = recorded as Recorded & ExperimentEvent
    const next = 'next' in data ? data.next : []
    const found = next.find((one) => {
      const whose = workOfStep(one)
      return whose.where === where && whose.agent === agent
    })
    return found && { ...recorded, data: found }
  },
  executionOf: ({ data: { part, step, agent, attempt, try: tries } }, { delivery, instance }) => ({
    ...{ part, step, agent, attempt },
    try: tries,
    ...{ delivery, instance },
  }),
  nameOf: ({ address, data }) => `${data.step} of ${address.key} for ${data.part}`,
  commands: { start: 'experiment.start-step', beat: 'experiment.beat-step', report: 'experiment.report-step' },
  ignored: 'experiment.report-ignored',
  stopped: 'experiment.step-failed',
}
