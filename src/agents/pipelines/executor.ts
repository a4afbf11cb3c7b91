import { splitPart } from '#contracts/names'
import { openOutput } from '../output.ts'
import type { LogLevel } from '../result.ts'
import { tell } from '../tell.ts'
import type { Phase } from './messages.ts'
import { inRuns, type NodeWorker } from './node-work.ts'
import type { Execution } from './run-state.ts'
import type { openRunners } from './runners.ts'
import type { Scheduled } from './scheduled.ts'
import { givenTo, type Nodes, servicesFor } from './services.ts'

type Given = {
  readonly runners: ReturnType<typeof openRunners>
  readonly nodes: Nodes
  readonly part: string
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly say: (message: string) => void
  /** Aborts when the host stops. */
  readonly signal: AbortSignal
}

/** Executes a node of a pipeline on this host: hands it what its run gives it, keeps what it prints, and does what it asks for. */
export const executor =
  ({ runners, nodes, part, log, say, signal }: Given): NodeWorker['execute'] =>
  async (event: Scheduled, execution: Execution, abort: AbortSignal) => {
    const { bus } = nodes
    const { scope, key } = event.address
    const { attempt, delivery } = execution
    const about = { run: `${scope}/${key}`, node: part }
    const output = openOutput({ bus, about: { scope, key, part, attempt, delivery }, signal })
    const print = (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>): void => {
      if (output.add(level, message, more)) log(level, message, { ...about, ...more })
    }
    const over = new AbortController()
    const turning = AbortSignal.any([abort, over.signal])
    /** In turn, so that the last one said is the last one heard; what the run refuses is past. */
    let turned: Promise<unknown> = Promise.resolve()
    const turn = (phase: Phase): void => {
      const asked = () => tell({ bus, wording: inRuns, say }, event, 'run.turn-node', { ...execution, phase }, turning)
      turned = turned.then(asked).catch(() => undefined)
    }
    try {
      const { inputs, ...repetition } = await givenTo(nodes, event)
      const run = { pipeline: scope, number: Number(key), attempt, ...repetition }
      return await runners.execute(
        { kind: 'run', node: splitPart(part).node, run, inputs },
        {
          call: servicesFor(
            nodes,
            event,
            execution,
            (reason) => print('info', `${part} is ${reason}`),
            (message) => print('warn', message),
          ),
          log: print,
          turned: turn,
          signal: abort,
        },
      )
    } finally {
      over.abort() // A result is not kept waiting until the run has heard at what its node was last.
      await output.end()
    }
  }
