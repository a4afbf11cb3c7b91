import type { Asked } from '#bus/command'
import { knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'

/** What an experiment is to check because a time has come; undefined where nothing is. */
export const dueInExperiments = (recorded: Recorded): Asked | undefined => {
  const event = knownIn<ExperimentEvent>(recorded)
  if (!event) return undefined
  const { address } = event
  switch (event.type) {
    case 'experiment.step-started': {
      const { host: _, duration: __, timeout: ___, ...execution } = event.data
      return { address, type: 'experiment.expire-step', data: execution }
    }
    case 'experiment.run-cancel-begun': {
      const { attempt, nodes } = event.data
      return { address, type: 'experiment.settle', data: { attempt, nodes } }
    }
    default:
      return undefined
  }
}
