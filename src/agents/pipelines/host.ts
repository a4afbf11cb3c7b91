import { availableParallelism, hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { dispatch } from '#bus/dispatcher'
import { openOutbox } from '#bus/outbox'
import type { Local } from '../local.ts'
import type { LogLevel } from '../result.ts'
import { atMost } from '../turns.ts'
import { releaseHeld } from '../worker.ts'
import { appear } from './appear.ts'
import { clearElsewhere } from './elsewhere.ts'
import { sweepBucket } from './exchange.ts'
import { shareOf } from './host-share.ts'
import { runPipeline } from './hosted.ts'
import type { Pipeline } from './shape.ts'

/** How long a host that stops may take where the bus is away, in milliseconds: a function has five seconds to end. */
const aloneFor = 6_000

export type HostOptions = {
  readonly bus: Bus
  /** Absolute. */
  readonly configPath: string
  /** Where the config's relative paths begin. */
  readonly base: string
  readonly pipelines: readonly Pipeline[]
  /** The nodes that this host runs, each as `<pipeline>/<node>`; all of its pipelines' unless they are named. */
  readonly only?: ReadonlySet<string> | undefined
  /** The host's name, and the id of its installation, which outlives the process. */
  readonly host: string
  readonly instance: string
  readonly version: string
  readonly local: Local
  /** How many executions there may be on this host at once; others wait in their queues. */
  readonly executions?: number
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
  /** Called when everything runs. */
  readonly ready?: () => void
}

/** Each execution is a process, which takes some 60 MB before it does anything. */
const usualExecutions = (): number => Math.max(8, 4 * availableParallelism())

/** Runs the agents of some pipelines, or of some of their nodes: owners, planner, stores, actions. Resolves when they have stopped, all facts sent. */
export const runHost = async (options: HostOptions): Promise<void> => {
  const { bus, pipelines, host, instance, version, local, executions = usualExecutions(), log, signal: stop } = options
  const broken = new AbortController()
  const signal = AbortSignal.any([stop, broken.signal])
  const sending = new AbortController()
  const tasks: Promise<unknown>[] = []
  const run = (task: Promise<unknown>) => {
    tasks.push(task)
    task.catch((cause: unknown) => stop.aborted || broken.abort(cause)) // What stopping breaks off is no failure.
  }

  const presenceEnds = new AbortController()
  const shares = pipelines
    .map((pipeline) => ({ pipeline, share: shareOf(pipeline, options.only) }))
    .filter(({ share }) => share.nodes.length > 0)
  const nodes = shares.flatMap(({ pipeline, share }) => share.nodes.map((node) => `${pipeline.name}/${node}`))
  const { gone } = await appear(
    { bus, log, signal },
    { host, instance, machine: hostname(), nodes },
    presenceEnds.signal,
  )
  gone.catch((cause: unknown) => broken.abort(cause))

  const outbox = openOutbox(local, bus.principal)
  const sent = outbox.send(bus, sending.signal, (reason) =>
    log('warn', `${outbox.waiting()} facts wait on disk: ${reason}. See: millrace doctor`),
  )
  sent.catch((cause: unknown) => broken.abort(cause))
  releaseHeld(bus, local)
  const about = { aggregate: 'host', scope: 'all', key: host }
  outbox.post({
    address: about,
    type: 'host.started',
    data: { host, instance, machine: hostname(), pid: process.pid, version, nodes },
  })
  run(dispatch(bus, signal, (reason) => log('warn', `Work waits: ${reason}`)))
  run(sweepBucket({ bus, host, signal }))
  const start = async () => {
    const inTurn = atMost(executions)
    await clearElsewhere(local)
    for (const { pipeline, share } of shares)
      await runPipeline({ ...options, inTurn, signal }, pipeline, share, outbox, run)
    log('debug', `${host} runs ${nodes.length} nodes`)
    options.ready?.()
  }
  run(start())

  await aborted(signal)
  const ended = async () => {
    for (let seen = 0; seen < tasks.length; ) {
      seen = tasks.length
      await Promise.allSettled(tasks) // What was being started may have started more.
    }
  }
  // Without a connection, what waits for an answer waits in vain.
  await Promise.race([ended(), ...(bus.connected() ? [] : [delay(aloneFor, undefined, { ref: false })])])
  outbox.post({ address: about, type: 'host.stopped', data: { host, instance } })
  // What can't be sent by then waits on disk for the next start, and a name that is not given back is forgotten.
  const within = (milliseconds: number) => delay(bus.connected() ? milliseconds : 0, undefined, { ref: false })
  await Promise.race([outbox.flushed().catch(() => undefined), within(2_000)])
  sending.abort()
  presenceEnds.abort()
  await Promise.race([Promise.allSettled([sent, gone]), within(2_000)])
  if (broken.signal.aborted) throw broken.signal.reason
}
