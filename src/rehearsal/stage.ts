import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openLocal } from '#agents/local'
import { openArrivals } from '#agents/pipelines/arrivals'
import { conditionOf } from '#agents/pipelines/conditions'
import { serveStore } from '#agents/pipelines/exchange'
import { digestOfFile, inside } from '#agents/pipelines/folder'
import { digestOf, watchedIn } from '#agents/pipelines/graph'
import { graphOf } from '#agents/pipelines/graph-of'
import { nextRun } from '#agents/pipelines/next-run'
import { openNodes, triggerOf } from '#agents/pipelines/nodes'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { run as runDecider } from '#agents/pipelines/run'
import type { Run } from '#agents/pipelines/run-state'
import type { Nodes } from '#agents/pipelines/services'
import type { Definition, Pipeline } from '#agents/pipelines/shape'
import type { Store } from '#agents/pipelines/store'
import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import { type Owner, ownerOf } from '#bus/handle'
import { memoryHub } from '#bus/memory'
import { type Outbox, openOutbox } from '#bus/outbox'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Cause, Recorded } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import { type Graph, keepsFiles } from '#contracts/pipeline'
import type { Address } from '#contracts/subjects'
import { serveReads } from './reads.ts'
import type { Files } from './run-once.ts'

/** Pipelines on a bus that is an array, with their stores in a temporary folder. */
export type Rehearsed = {
  readonly bus: Bus
  readonly outbox: Outbox
  readonly pipelines: readonly Pipeline[]
  readonly nodes: ReadonlyMap<string, Nodes>
  readonly runs: Owner<Run>
  /** The one run there is. */
  readonly run: Address
  readonly signal: AbortSignal
  /** Plans it; says why it can't begin, by node, where it can't. */
  readonly plan: () => Promise<Readonly<Record<string, string>> | undefined>
}

/** Where a rehearsal takes place, and for how long. */
export type Place = {
  readonly folder: string
  readonly signal: AbortSignal
  /** What holds the folder until `signal` has aborted and a moment longer: the folder is removed when it has ended. */
  readonly holding: (task: Promise<unknown>) => void
}

/** Sets pipelines up: everything is as on a host but the processes of functions, and the watching of folders. */
export const openRehearsal = async (
  given: readonly Pipeline[],
  files: Files,
  { folder, signal, holding }: Place,
): Promise<Rehearsed> => {
  const [first] = given
  if (!first) throw new TypeError('runOnce needs a pipeline')
  const bus = memoryHub({ logId: 'once' }).connect('once')
  const local = openLocal(join(folder, 'once.db'))
  const outbox = openOutbox(local, 'once')
  const sending = outbox.send(bus, signal).catch(() => undefined)
  holding(sending.then(() => local.close()))
  const pipelines = [...given.map((one) => inFolder(one, folder)), ...standIns(given, folder)]
  const keeper = withMetadata(pipelines[0] as Pipeline)
  const isAlone = !keepsMetadata(first)
  const all = [keeper, ...pipelines.slice(1)]
  const trader = { bus, host: 'once', outbox, signal }
  const nodes = new Map<string, Nodes>()
  const graphs = new Map<string, Graph>()
  for (const pipeline of all) {
    graphs.set(pipeline.name, graphOf(pipeline, folder))
    const opened = await openNodes(trader, pipeline, { configPath: '', base: folder, local, say: () => undefined })
    nodes.set(pipeline.name, { ...opened, isAlone })
    for (const [node, one] of Object.entries(pipeline.stores))
      if (keepsFiles(one.kind))
        serveStore(trader, opened.stores.get(node) as Store, triggerOf(one)).catch(() => undefined)
  }
  await lay(files, keeper.name, nodes)
  const asked = [...nodes.values()].flatMap(({ metadata }) =>
    [...metadata.values()].map((of) => splitPart(of).pipeline),
  )
  holding(serveReads({ bus, folder, keeper: keeper.name, isAlone, pipelines: new Set(asked), signal }))

  const address = { aggregate: 'pipeline', scope: keeper.name, key: 'self' }
  const owner = ownerOf(bus, pipelineDecider)
  const runs = ownerOf(bus, runDecider)
  const run = { aggregate: 'run', scope: keeper.name, key: '0' }

  const plan = async () => {
    const graph = graphs.get(keeper.name) as Graph
    const decide = (type: string, data: object) => owner.handle(address, commandFrom({ address, type, data }, 'once'))
    await decide('pipeline.define', { graph, digest: digestOf(graph) })
    await outbox.flushed()
    const arrivals = openArrivals(bus.logId)
    const watched = watchedIn(keeper.name, graphs)
    for (const resource of watched) {
      const { pipeline: scope, node: key } = splitPart(resource)
      const { events } = await bus.read({ aggregate: 'artifact', scope, key })
      for (const event of events)
        if (event.type === 'artifact.detected')
          arrivals.take(event as Recorded & Extract<ArtifactEvent, { type: 'artifact.detected' }>)
    }
    const requested = new Map<string, Cause>()
    if (watched.length === 0) {
      const answer = await decide('pipeline.start', { message: 'once' })
      if (!answer.accepted) throw new Error(answer.detail)
      const { state } = await owner.current(address)
      const event = await bus.last(address)
      for (const { request } of state.requests) if (event) requested.set(request, event)
    }
    const triggers = new Map(
      all.flatMap(({ name, stores }) =>
        Object.entries(stores).flatMap(([node, one]) => {
          const trigger = triggerOf(one)
          return trigger ? [[`${name}/${node}`, trigger] as const] : []
        }),
      ),
    )
    const condition = conditionOf({ bus, triggers, hasCondition: () => false })
    const about = { bus, pipeline: keeper.name, graphs, arrivals, condition, byMetrics: false, requested }
    const next = await nextRun(about, (await owner.current(address)).state)
    if (next.kind === 'plan') {
      await decide('pipeline.plan', next.plan)
      return undefined
    }
    const nothing = Object.fromEntries(watched.map((part) => [part, 'no file has arrived']))
    return next.kind === 'none' && Object.keys(next.reasons).length > 0 ? next.reasons : nothing
  }
  return { bus, outbox, pipelines: all, nodes, runs, run, signal, plan }
}

/** A pipeline with its folders in another one. What a resource would mirror is a folder like any other. */
const inFolder = (pipeline: Pipeline, folder: string): Pipeline => ({
  ...pipeline,
  stores: Object.fromEntries(
    Object.entries(pipeline.stores).map(([store, one]): [string, Definition] => {
      if (!('path' in one)) return [store, one]
      const path = join(folder, pipeline.name, store)
      if (one.kind !== 'resource') return [store, { ...one, path }]
      const { resource: _, every: __, kind: ___, ...rest } = one
      return [store, { ...rest, kind: 'filesystem-store', path }]
    }),
  ),
})

const keepsMetadata = ({ stores }: Pipeline): boolean =>
  Object.values(stores).some(({ kind }) => kind === 'metadata-store')

/** Runs belong to a pipeline that has a metadata store: one without is given one. */
const withMetadata = (pipeline: Pipeline): Pipeline => {
  const stores = keepsMetadata(pipeline)
    ? pipeline.stores
    : { ...pipeline.stores, metadata: { kind: 'metadata-store', path: '' } as const }
  return { ...pipeline, stores }
}

/** The stores for which clients stand and whose pipelines are not given. */
const standIns = (given: readonly Pipeline[], folder: string): Pipeline[] => {
  const wanted = given.flatMap(({ stores }) =>
    Object.values(stores).flatMap((one) => (one.kind === 'store-client' ? [one.of] : [])),
  )
  const missing = [...new Set(wanted)].filter((of) => !given.some(({ name }) => of.startsWith(`${name}/`)))
  return [...Map.groupBy(missing, (of) => splitPart(of).pipeline)].map(([name, parts]) => ({
    name,
    stores: Object.fromEntries(
      parts.map((of) => {
        const { node } = splitPart(of)
        return [node, { kind: 'filesystem-store', path: join(folder, name, node), watch: false } as const]
      }),
    ),
    actions: {},
  }))
}

/** Puts files where they are to lie; what lies in a watched store has arrived. */
const lay = async (files: Files, usual: string, nodes: ReadonlyMap<string, Nodes>): Promise<void> => {
  for (const [named, some] of Object.entries(files)) {
    const { pipeline, node } = splitPart(named.includes('/') ? named : `${usual}/${named}`)
    const store = nodes.get(pipeline)?.stores.get(node)
    if (!store) {
      const known = [...nodes].flatMap(([name, { stores }]) => [...stores.keys()].map((one) => `${name}/${one}`))
      throw new TypeError(`files.${named}: no store is called so; there are ${known.join(', ')}`)
    }
    for (const [path, content] of Object.entries(some)) {
      const file = await inside(store.root, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      const { digest, size } = await digestOfFile(file)
      store.index.seen(path, digest, size, String(statSync(file, { bigint: true }).mtimeNs))
    }
  }
}
