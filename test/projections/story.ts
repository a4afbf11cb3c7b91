import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { extentOf } from '#agents/pipelines/graph'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { run } from '#agents/pipelines/run'
import type { Bus } from '#bus/bus'
import { commandFrom, uuidv7 } from '#bus/command'
import { ownerOf } from '#bus/handle'
import { contractOf } from '#contracts/all'
import type { Graph } from '#contracts/pipeline'
import type { Address } from '#contracts/subjects'
import { follow } from '#projections/follower'
import { metadata } from '#projections/metadata'
import type { Projection } from '#projections/projection'
import { viewerOf } from '#projections/viewer'

export const digestFor = (text: string): string =>
  Array.from({ length: 64 }, (_, i) => ((text.charCodeAt(i % text.length) + i * text.length) % 16).toString(16)).join(
    '',
  )

/** The two pipelines of the file-transfer example. */
export const rootGraph: Graph = {
  pipeline: 'root',
  nodes: [
    { name: 'metadata_store', kind: 'metadata-store', after: [], next: [], path: 'metadata.db' },
    { name: 'haikus', kind: 'filesystem-store', after: ['root/metadata_store'], next: [], watch: true, path: 'haikus' },
    {
      name: 'models',
      kind: 'filesystem-store',
      after: ['root/metadata_store'],
      next: [],
      watch: false,
      path: 'models',
    },
    {
      name: 'retraining',
      kind: 'action',
      after: ['root/haikus', 'root/models'],
      next: ['leaf/evaluation', 'leaf/plotting'],
    },
  ],
}
export const leafGraph: Graph = {
  pipeline: 'leaf',
  nodes: [
    { name: 'models_rpc', kind: 'store-client', after: [], next: [], of: 'root/models', path: 'models' },
    { name: 'evaluation', kind: 'action', after: ['root/retraining'], next: [] },
    { name: 'plotting', kind: 'action', after: ['root/retraining'], next: [] },
  ],
}

/** Tells a story on a bus: through the deciders where something is decided, as facts where it is reported. */
export const teller = (bus: Bus) => {
  const owners = { pipeline: ownerOf(bus, pipelineDecider), run: ownerOf(bus, run) }

  const ask = (type: string, scope: string, key: string, data: object) => {
    const address = { aggregate: type.split('.')[0] ?? '', scope, key }
    const owner = owners[address.aggregate as 'run']
    return owner.handle(address, commandFrom({ address, type, data }, bus.principal))
  }
  const raw = async (address: Address, type: string, data: unknown, version = contractOf(type)?.version ?? 1) => {
    const id = uuidv7()
    const about = { source: 'story', time: new Date(0).toISOString(), correlationId: id, causationId: id }
    const { version: expectedVersion } = await bus.read(address)
    const event = { id, type, version, ...about, principal: 'teller', data }
    const sequence = await bus.append([{ address, expectedVersion, events: [event] }])
    if (sequence === 'conflict') throw new Error(`${type} met a conflict`)
    return `${bus.logId}.${sequence}`
  }
  const fact = (type: string, scope: string, key: string, data: unknown) =>
    raw({ aggregate: type.split('.')[0] ?? '', scope, key }, type, data)

  const define = (graph: Graph) =>
    ask('pipeline.define', graph.pipeline, 'self', { graph, digest: digestFor(JSON.stringify(graph)) })
  const drop = (path: string, text = path) =>
    fact('artifact.detected', 'root', 'haikus', {
      store: 'root/haikus',
      path,
      digest: digestFor(text),
      size: text.length,
      change: 'new',
    })

  const graphs = new Map<string, Graph>()
  const offered = { after: 0 }
  /** Plans a run with what has been dropped since the last. */
  const plan = async (known: readonly Graph[] = [rootGraph, leafGraph]) => {
    for (const graph of known) graphs.set(graph.pipeline, graph)
    const upTo = await bus.head()
    const offer = {
      resource: 'root/haikus',
      after: `${bus.logId}.${offered.after}`,
      upTo: `${bus.logId}.${upTo}`,
      count: 1,
    }
    const nodes = extentOf('root', new Map(known.map((graph) => [graph.pipeline, graph])))
    const trigger = { kind: 'files', message: 'root/haikus: a file' }
    const answer = await ask('pipeline.plan', 'root', 'self', {
      trigger,
      offers: [offer],
      graph: digestFor('g'),
      nodes,
    })
    if (answer.accepted) offered.after = upTo
    return answer
  }
  const by = (number: number, part: string) => ({ run: `root/${number}`, part, attempt: 1 })
  const execution = (part: string) => ({ part, attempt: 1, delivery: 1, instance: `at-${part.split('/')[0]}` })
  const start = (number: number, part: string) =>
    ask('run.start-node', 'root', String(number), { ...execution(part), host: `host-${part.split('/')[0]}` })
  const report = (number: number, part: string, result: object = { outcome: 'succeeded' }) =>
    ask('run.report-node', 'root', String(number), { ...execution(part), result })
  const release = (number: number, outcome = 'succeeded') =>
    ask('pipeline.release', 'root', 'self', { run: number, outcome })

  /** One whole run of the example. */
  const wholeRun = async (number: number) => {
    await drop(`haiku${number}.txt`)
    await plan()
    await start(number, 'root/retraining')
    const haiku = { store: 'root/haikus', path: `haiku${number}.txt`, digest: digestFor(`haiku${number}.txt`) }
    await fact('artifact.used', 'root', 'retraining', { ...haiku, by: by(number, 'root/retraining') })
    const model = { store: 'root/models', path: `model${number}.txt`, digest: digestFor(`model${number}`), size: 7 }
    await fact('artifact.saved', 'root', 'models', { ...model, by: by(number, 'root/retraining') })
    await fact('artifact.tagged', 'root', 'models', {
      store: model.store,
      path: model.path,
      digest: model.digest,
      tags: { model_type: 'LLM' },
    })
    await report(number, 'root/retraining')
    await start(number, 'leaf/evaluation')
    const to = 'leaf/models_rpc'
    await fact('artifact.downloaded', 'leaf', 'models_rpc', { ...model, to, by: by(number, 'leaf/evaluation') })
    const loss = { key: 'loss', value: 1 / (number + 1), step: number }
    await fact('tracking.metric-logged', 'leaf', 'evaluation', {
      ...loss,
      run: `root/${number}`,
      by: by(number, 'leaf/evaluation'),
    })
    await report(number, 'leaf/evaluation')
    await start(number, 'leaf/plotting')
    const plot = { store: 'root/models', path: `plot${number}.txt`, digest: digestFor(`plot${number}`), size: 5 }
    await fact('artifact.uploaded', 'root', 'models', { ...plot, from: to, by: by(number, 'leaf/plotting') })
    await report(number, 'leaf/plotting')
    await release(number)
  }

  return { ask, raw, fact, define, drop, plan, start, report, release, by, wholeRun }
}

/** A folder of its own for one test. */
export const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'millrace-projection-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** Follows a bus into a database, and gives what asks it. */
export const watching = async (
  bus: Bus,
  options: { readonly path?: string; readonly projection?: Projection } = {},
) => {
  const path = options.path ?? join(await folder(), 'metadata.db')
  const stop = new AbortController()
  const lines: string[] = []
  const follower = await follow({
    bus,
    path,
    projection: options.projection ?? metadata,
    signal: stop.signal,
    say: (line) => lines.push(line),
  })
  const viewer = viewerOf(bus, follower)
  const end = async () => {
    viewer.close()
    stop.abort()
    await follower.ended
  }
  onTestFinished(end)
  const caughtUp = async () => follower.waitFor(`${bus.logId}.${await bus.head()}`, 5_000)
  return { path, follower, viewer, lines, end, caughtUp }
}
