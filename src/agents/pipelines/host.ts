import { availableParallelism } from 'node:os'
import { type Hosting, runAgents } from '../hosting.ts'
import { atMost } from '../turns.ts'
import { clearElsewhere } from './elsewhere.ts'
import { sweepBucket } from './exchange.ts'
import { shareOf } from './host-share.ts'
import { runPipeline } from './hosted.ts'
import type { Pipeline } from './shape.ts'

export type HostOptions = Hosting & {
  /** Absolute. */
  readonly configPath: string
  /** Where the config's relative paths begin. */
  readonly base: string
  readonly pipelines: readonly Pipeline[]
  /** The nodes that this host runs, each as `<pipeline>/<node>`; all of its pipelines' unless they are named. */
  readonly only?: ReadonlySet<string> | undefined
  /** How many executions there may be on this host at once; others wait in their queues. */
  readonly executions?: number
}

/** Each execution is a process, which takes some 60 MB before it does anything. */
const usualExecutions = (): number => Math.max(8, 4 * availableParallelism())

/** Runs the agents of some pipelines, or of some of their nodes: owners, planner, stores, actions. Resolves when they have stopped, all facts sent. */
export const runHost = (options: HostOptions): Promise<void> => {
  const { bus, pipelines, host, local, executions = usualExecutions(), log } = options
  const shares = pipelines
    .map((pipeline) => ({ pipeline, share: shareOf(pipeline, options.only) }))
    .filter(({ share }) => share.nodes.length > 0)
  const nodes = shares.flatMap(({ pipeline, share }) => share.nodes.map((node) => `${pipeline.name}/${node}`))
  return runAgents(options, nodes, async ({ outbox, run, signal }) => {
    run(sweepBucket({ bus, host, signal }))
    const inTurn = atMost(executions)
    await clearElsewhere(local)
    for (const { pipeline, share } of shares)
      await runPipeline({ ...options, inTurn, signal }, pipeline, share, outbox, run)
    log('debug', `${host} runs ${nodes.length} nodes`)
  })
}
