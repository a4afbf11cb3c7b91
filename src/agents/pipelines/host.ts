import { hostname } from 'node:os'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { commandFrom, own } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { openOutbox } from '#bus/outbox'
import type { Local } from '../local.ts'
import { graphOf } from './config.ts'
import { clientOf, serveStore, sweepBucket } from './exchange.ts'
import { digestOf } from './graph.ts'
import type { LogLevel } from './messages.ts'
import { patiently } from './patience.ts'
import { pipelineDecider } from './pipeline.ts'
import { plan } from './planner.ts'
import { run } from './run.ts'
import { openRunners } from './runners.ts'
import { inputsOf, type Nodes, servicesFor } from './services.ts'
import type { Pipeline } from './shape.ts'
import { openStore, type Store } from './store.ts'
import { watchStore } from './watch.ts'
import { releaseHeld, work } from './worker.ts'

/** How long size and time of a file must stand still unless the store says otherwise, in milliseconds. */
const settle = 500

export type HostOptions = {
  readonly bus: Bus
  /** Absolute. */
  readonly configPath: string
  /** Where the config's relative paths begin. */
  readonly base: string
  readonly pipelines: readonly Pipeline[]
  /** The host's name, and the id of its installation, which outlives the process. */
  readonly host: string
  readonly instance: string
  readonly version: string
  readonly local: Local
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
  /** Called when everything runs. */
  readonly ready?: () => void
}

/** Runs the agents of some pipelines: owners, planner, stores, actions. Resolves when they have stopped, all facts sent. */
export const runHost = async (options: HostOptions): Promise<void> => {
  const { bus, pipelines, host, instance, version, local, log, signal: stop } = options
  const broken = new AbortController()
  const signal = AbortSignal.any([stop, broken.signal])
  const sending = new AbortController()
  const tasks: Promise<unknown>[] = []
  const run = (task: Promise<unknown>) => {
    tasks.push(task)
    task.catch((cause: unknown) => stop.aborted || broken.abort(cause)) // What stopping breaks off is no failure.
  }

  const presenceEnds = new AbortController()
  const nodes = pipelines.flatMap(({ name, stores, actions }) =>
    [...Object.keys(stores), ...Object.keys(actions)].map((node) => `${name}/${node}`),
  )
  const { gone } = await bus.appear({ host, instance, machine: hostname(), nodes }, presenceEnds.signal)
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
  for (const pipeline of pipelines) await runPipeline({ ...options, signal }, pipeline, outbox, run)
  log('debug', `${host} runs ${nodes.length} nodes`)
  options.ready?.()

  await aborted(signal)
  await Promise.allSettled(tasks)
  outbox.post({ address: about, type: 'host.stopped', data: { host, instance } })
  // What can't be sent within two seconds waits on disk for the next start.
  await Promise.race([
    outbox.flushed().catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, 2_000).unref()),
  ])
  sending.abort()
  presenceEnds.abort()
  await Promise.allSettled([sent, Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 1_000).unref())])])
  if (broken.signal.aborted) throw broken.signal.reason
}

type Run = (task: Promise<unknown>) => void
type Outbox = ReturnType<typeof openOutbox>

const runPipeline = async (
  { bus, configPath, base, host, instance, local, log, signal }: HostOptions,
  pipeline: Pipeline,
  outbox: Outbox,
  start: Run,
): Promise<void> => {
  const { name } = pipeline
  const say = (message: string) => log('info', message)
  const trader = { bus, host, outbox, signal }
  const nodes = await openNodes(trader, pipeline, local)
  for (const [node, definition] of Object.entries(pipeline.stores))
    if (definition.kind === 'filesystem-store') start(serveStore(trader, nodes.stores.get(node) as Store))

  const address = { aggregate: 'pipeline', scope: name, key: 'self' }
  const owner = own(bus, pipelineDecider, name, signal)
  start(owner.served)
  const graph = graphOf(pipeline, base)
  const define = { address, type: 'pipeline.define', data: { graph, digest: digestOf(graph) } }
  await patiently(
    () => owner.handle(address, commandFrom(define, bus.principal)),
    signal,
    (reason) => say(`${name} can't be defined for now: ${reason}`),
  )
  // Runs belong to the pipeline that keeps the metadata.
  if (Object.values(pipeline.stores).some(({ kind }) => kind === 'metadata-store')) {
    start(own(bus, run, name, signal).served)
    const triggers = new Map(
      Object.entries(pipeline.stores).flatMap(([node, definition]) =>
        definition.kind === 'filesystem-store' && definition.trigger ? [[`${name}/${node}`, definition.trigger]] : [],
      ),
    )
    start(plan({ bus, owner: owner as never, pipeline: name, triggers, say, signal }))
  }

  const runners = openRunners({ configPath, base, pipeline: name }, signal)
  for (const node of Object.keys(pipeline.actions)) {
    const part = `${name}/${node}`
    start(
      work(
        {
          bus,
          local,
          outbox,
          host,
          instance,
          say,
          signal,
          execute: async (event, execution, abort) => {
            const about = { run: `${event.address.scope}/${event.address.key}`, node: part }
            const waiting = (reason: string) => log('info', `${part} is ${reason}`, about)
            return runners.execute(
              {
                kind: 'run',
                node,
                run: { pipeline: event.address.scope, number: Number(event.address.key), attempt: execution.attempt },
                inputs: await inputsOf(nodes, event),
              },
              {
                call: servicesFor(nodes, event, execution, abort, waiting),
                log: (level, message, more) => log(level, message, { ...about, ...more }),
                signal: abort,
              },
            )
          },
        },
        part,
      ),
    )
  }
  for (const [node, definition] of Object.entries(pipeline.stores)) {
    if (definition.kind !== 'filesystem-store' || !definition.watch) continue
    const { ended } = await watchStore(nodes.stores.get(node) as Store, {
      settle: definition.settle ?? settle,
      ignoreExisting: definition.existing === 'ignore',
      signal,
    })
    start(ended)
  }
}

/** The pipeline's stores and clients on this host. */
const openNodes = async (
  trader: Parameters<typeof serveStore>[0],
  pipeline: Pipeline,
  local: Local,
): Promise<Nodes> => {
  const stores = new Map<string, Store>()
  const clients = new Map<string, ReturnType<typeof clientOf>>()
  const metadata = new Map<string, string>()
  for (const [node, definition] of Object.entries(pipeline.stores)) {
    const part = `${pipeline.name}/${node}`
    if (definition.kind === 'metadata-store') metadata.set(node, part)
    else if (definition.kind === 'metadata-client') metadata.set(node, definition.of)
    else {
      const store = await openStore(part, definition.path, local, trader.outbox)
      stores.set(node, store)
      if (definition.kind === 'store-client') clients.set(node, clientOf(trader, store, definition.of))
    }
  }
  return { bus: trader.bus, outbox: trader.outbox, stores, clients, metadata }
}
