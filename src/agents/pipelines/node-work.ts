import { splitPart } from '#contracts/names'
import type { Wording } from '../result.ts'
import { type Given, type Worker, work } from '../worker.ts'
import type { Result } from './messages.ts'
import type { Execution } from './run-state.ts'
import { type Scheduled, scheduledIn } from './scheduled.ts'

/** How a node is executed in a run. */
export type NodeWorker = Worker<Scheduled, Execution, Result>

/** The work of a node, in the words of a run. */
export const inRuns: Wording<Scheduled, Execution> = {
  taskIn: (event, { where, agent }) => scheduledIn(event, `${where}/${agent}`),
  executionOf: ({ data: { part, attempt } }, { delivery, instance }) => ({ part, attempt, delivery, instance }),
  nameOf: ({ data }) => data.part,
  commands: { start: 'run.start-node', beat: 'run.beat-node', report: 'run.report-node' },
  ignored: 'run.report-ignored',
  stopped: 'run.node-cancelled',
}

/** Takes the work of one node of a pipeline, until the signal aborts. */
export const workOn = (given: Omit<Given<Scheduled, Execution, Result>, 'wording'>, part: string): Promise<void> => {
  const { pipeline: where, node: agent } = splitPart(part)
  return work({ ...given, wording: inRuns }, { where, agent })
}
