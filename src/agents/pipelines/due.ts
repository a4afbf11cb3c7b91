import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import type { Owner } from '#bus/handle'
import { patiently } from '#bus/patience'
import { knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import type { PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import type { Run } from './run-state.ts'

type Given = {
  readonly bus: Bus
  readonly runs: Owner<Run>
  readonly pipeline: string
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

/**
 * Tells a pipeline's runs that a time has come, until `signal` aborts. A timer fires once or more, and perhaps long after
 * its time: it is a command to check, and the run decides what still matters.
 */
export const tellWhenDue = ({ bus, runs, pipeline, say, signal }: Given): Promise<void> =>
  bus.timers(
    pipeline,
    async (event) => {
      const due = dueIn(event)
      if (!due) return
      const address = { aggregate: 'run', scope: pipeline, key: due.run }
      const command = commandFrom({ address, type: due.type, data: due.data, causedBy: event }, bus.principal)
      await patiently(
        () => runs.handle(address, command),
        signal,
        (reason) => say(`${event.type} of ${pipeline} can't be looked at for now: ${reason}`),
      )
    },
    signal,
  )

/** What is to be checked in which run; undefined where nothing is. */
const dueIn = (
  recorded: Recorded,
): { readonly run: string; readonly type: string; readonly data: object } | undefined => {
  const event = knownIn<PipelineEvent | RunEvent>(recorded)
  if (!event) return undefined
  const run = event.address.key
  switch (event.type) {
    case 'pipeline.run-planned':
      return { run: String(event.data.run), type: 'run.expire', data: {} }
    case 'run.node-retry-set': {
      const { part, attempt } = event.data
      return { run, type: 'run.retry-node', data: { part, attempt } }
    }
    case 'run.stop-begun':
      return { run, type: 'run.settle', data: {} }
    default:
      return undefined
  }
}
