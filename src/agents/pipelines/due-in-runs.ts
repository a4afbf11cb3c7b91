import type { Asked } from '#bus/command'
import { knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import type { PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'

/** What a run is to check because a time has come; undefined where nothing is. */
export const dueInRuns = (recorded: Recorded): Asked | undefined => {
  const event = knownIn<PipelineEvent | RunEvent>(recorded)
  if (!event) return undefined
  const { scope, key } = event.address
  const run = { aggregate: 'run', scope, key }
  switch (event.type) {
    case 'pipeline.run-planned':
      return { address: { ...run, key: String(event.data.run) }, type: 'run.expire', data: {} }
    case 'run.node-retry-set': {
      const { part, attempt } = event.data
      return { address: run, type: 'run.retry-node', data: { part, attempt } }
    }
    case 'run.stop-begun':
      return { address: run, type: 'run.settle', data: {} }
    default:
      return undefined
  }
}
