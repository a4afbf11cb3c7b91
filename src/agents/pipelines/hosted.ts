import { commandFrom, own } from '#bus/command'
import type { Outbox } from '#bus/outbox'
import { patiently } from '#bus/patience'
import type { Local } from '../local.ts'
import { graphOf } from './config.ts'
import { serveStore, type Trader, untilNobodyKeeps } from './exchange.ts'
import { digestOf } from './graph.ts'
import type { HostOptions } from './host.ts'
import { pipelineDecider } from './pipeline.ts'
import { plan } from './planner.ts'
import { run } from './run.ts'
import { openRunners } from './runners.ts'
import { inputsOf, type Nodes, servicesFor } from './services.ts'
import type { Pipeline } from './shape.ts'
import { openStore, type Store } from './store.ts'
import { clientOf } from './store-client.ts'
import { watchStore } from './watch.ts'
import { work } from './worker.ts'

/** How long size and time of a file must stand still unless the store says otherwise, in milliseconds. */
const settle = 500

/** Told of what runs until the host stops; where that breaks, the host ends. */
type Run = (task: Promise<unknown>) => void

/** Runs one pipeline's owners, planner, stores and actions on this host. Resolves when all of them have begun. */
export const runPipeline = async (
  { bus, configPath, base, host, instance, local, log, signal }: HostOptions,
  pipeline: Pipeline,
  outbox: Outbox,
  start: Run,
): Promise<void> => {
  const { name } = pipeline
  const say = (message: string) => log('info', message)
  const trader = { bus, host, outbox, signal }
  const nodes = await openNodes(trader, pipeline, local)
  const stores = Object.keys(pipeline.stores).filter((node) => pipeline.stores[node]?.kind === 'filesystem-store')
  for (const node of stores) await untilNobodyKeeps(trader, `${name}/${node}`)
  for (const node of stores) start(serveStore(trader, nodes.stores.get(node) as Store))

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
                call: servicesFor(nodes, event, execution, waiting),
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
const openNodes = async (trader: Trader, pipeline: Pipeline, local: Local): Promise<Nodes> => {
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
