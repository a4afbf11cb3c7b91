import { commandFrom, own } from '#bus/command'
import type { Outbox } from '#bus/outbox'
import { patiently } from '#bus/patience'
import { type Graph, keepsFiles } from '#contracts/pipeline'
import { tellWhenDue } from '../due.ts'
import { dueInRuns } from './due-in-runs.ts'
import { executorFrom } from './elsewhere.ts'
import { serveStore } from './exchange.ts'
import { digestOf } from './graph.ts'
import { graphOf } from './graph-of.ts'
import type { HostOptions } from './host.ts'
import type { Share } from './host-share.ts'
import type { Say } from './messages.ts'
import { fireOnMetrics } from './metric-condition.ts'
import { type NodeWorker, workOn } from './node-work.ts'
import { openNodes, triggerOf, watchNode } from './nodes.ts'
import { pipelineDecider } from './pipeline.ts'
import { plan } from './planner.ts'
import { servePreviews } from './preview.ts'
import { run } from './run.ts'
import { openRunners } from './runners.ts'
import type { Definition, Pipeline } from './shape.ts'
import { untilNobodyKeeps } from './sole-keeper.ts'
import type { Store } from './store.ts'

/** Told of what runs until the host stops; where that breaks, the host ends. */
type Run = (task: Promise<unknown>) => void

/** Runs a host's share of a pipeline: owners, planner, stores and actions. Resolves when all of them have begun. */
export const runPipeline = async (
  { bus, configPath, base, host, instance, local, inTurn, log, signal }: HostOptions & Pick<NodeWorker, 'inTurn'>,
  pipeline: Pipeline,
  share: Share,
  outbox: Outbox,
  start: Run,
): Promise<void> => {
  const { name } = pipeline
  const say: Say = (message, level = 'info') => log(level, message)
  const trader = { bus, host, outbox, signal }
  const nodes = await openNodes(trader, { ...pipeline, stores: share.stores }, { configPath, base, local, say })
  const stores = Object.keys(share.stores).filter((node) => keepsFiles(share.stores[node]?.kind ?? ''))
  for (const node of stores) await untilNobodyKeeps(trader, `${name}/${node}`)
  for (const node of stores)
    start(serveStore(trader, nodes.stores.get(node) as Store, triggerOf(pipeline.stores[node])))

  for (const client of nodes.clients.values()) start(client.announce(signal))

  if (share.decides) await decide({ bus, base, local, say, signal }, pipeline, stores, start)

  const runners = openRunners({ configPath, base, pipeline: name }, signal)
  for (const [node, { concurrency = 1 }] of Object.entries(share.actions)) {
    const part = `${name}/${node}`
    start(
      workOn(
        {
          bus,
          local,
          outbox,
          host,
          instance,
          say,
          signal,
          concurrency,
          inTurn,
          execute: executorFrom(trader, share.elsewhere, {
            local,
            pipeline: name,
            runners,
            nodes,
            part,
            log,
            say,
            signal,
          }),
        },
        part,
      ),
    )
  }
  for (const node of stores)
    for (const watching of await watchNode(nodes, node, pipeline.stores[node] as Definition, signal)) start(watching)
}

type Deciding = Pick<HostOptions, 'bus' | 'base' | 'local' | 'signal'> & { readonly say: Say }

/** Owns a pipeline and, where it keeps metadata, its runs; `stores` lie on this host, and are asked for their conditions here. */
const decide = async (
  { bus, base, local, say, signal }: Deciding,
  pipeline: Pipeline,
  stores: readonly string[],
  start: Run,
): Promise<void> => {
  const { name } = pipeline
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
  const [keeper, metadata] = Object.entries(pipeline.stores).find(([, one]) => one.kind === 'metadata-store') ?? []
  if (keeper && metadata?.kind === 'metadata-store') {
    const runs = own(bus, run, name, signal)
    start(runs.served)
    const triggers = new Map(
      stores.flatMap((node) => {
        const trigger = triggerOf(pipeline.stores[node])
        return trigger ? [[`${name}/${node}`, trigger]] : []
      }),
    )
    const about = { bus, pipeline: name, graphs: new Map<string, Graph>(), say, signal }
    const { trigger } = metadata
    const plans = { ...about, owner, runs, triggers, byMetrics: trigger !== undefined }
    start(plan(plans))
    start(tellWhenDue({ bus, owner: runs, scope: name, dueIn: dueInRuns, say, signal }))
    start(servePreviews(about, keeper))
    if (trigger) start(fireOnMetrics({ ...about, owner, trigger, local }))
  }
}
