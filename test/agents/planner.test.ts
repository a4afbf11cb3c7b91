import { expect, onTestFinished, test } from 'vitest'
import { digestOf } from '#agents/pipelines/graph'
import type { Say } from '#agents/pipelines/messages'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import { plan } from '#agents/pipelines/planner'
import { run } from '#agents/pipelines/run'
import type { Trigger } from '#agents/pipelines/shape'
import { ask, commandFrom, own } from '#bus/command'
import { memoryHub } from '#bus/memory'
import { postFact } from '#bus/post'
import type { Recorded } from '#contracts/envelope'
import type { GraphNode } from '#contracts/pipeline'

const self = { aggregate: 'pipeline', scope: 'p', key: 'self' }

const node = (name: string, kind: GraphNode['kind'], more: Partial<GraphNode> = {}): GraphNode => ({
  ...{ name, kind, after: [], next: [] },
  ...more,
})
const store = node('metadata', 'metadata-store')
const inbox = node('inbox', 'filesystem-store', { watch: true })

/** A log, the owner of a pipeline, and a planner that can be started. */
const site = () => {
  const bus = memoryHub({ logId: 'log' }).connect('host')
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const owner = own(bus, pipelineDecider, 'p', stop.signal)
  const runs = own(bus, run, 'p', stop.signal)
  const handle = (type: string, data: object, scope = 'p') => {
    const address = { ...self, scope }
    return owner.handle(address, commandFrom({ address, type, data }, 'host'))
  }
  const define = (nodes: readonly GraphNode[], pipeline = 'p') => {
    const graph = { pipeline, nodes: [...nodes] }
    return handle('pipeline.define', { graph, digest: digestOf(graph) }, pipeline)
  }
  /** Asks for a run, and gives the id of the request. */
  const request = async (message: string): Promise<string> => {
    const { position } = (await ask(bus, { address: self, type: 'pipeline.start', data: { message } })) as {
      position: string
    }
    return (await bus.read(self)).events.find((event) => event.position === position)?.id ?? ''
  }
  const waitingRequest = async (): Promise<string> => {
    const { state } = await owner.current(self)
    return state.requests[0]?.request ?? ''
  }
  /** Why what has arrived is not enough, by node. */
  const waits = async () => (await owner.current(self)).state.waits
  const drop = async (path: string): Promise<Recorded> => {
    const data = { store: 'p/inbox', path, digest: 'a'.repeat(64), size: 1, change: 'new' }
    const at = await postFact({ ...bus, principal: 'inbox' }, { scope: 'p', type: 'artifact.detected', data })
    const { events } = await bus.read({ aggregate: 'artifact', scope: 'p', key: 'inbox' })
    return events.find(({ position }) => position === at) as Recorded
  }
  type Planning = { trigger?: Trigger; say?: Say; lag?: number }
  const planning = ({ trigger, say = () => undefined, lag = 0 }: Planning = {}) => {
    const triggers = new Map(trigger ? [['p/inbox', trigger]] : [])
    // As from a server that is far away.
    const current = async (address: typeof self) => {
      await new Promise((resolve) => setTimeout(resolve, lag))
      return owner.current(address)
    }
    const slow = { ...owner, current }
    const graphs = new Map()
    void plan({ bus, owner: slow, runs, pipeline: 'p', graphs, triggers, say, signal: stop.signal })
  }
  /** The planned runs, once there are so many. */
  const planned = async (count: number): Promise<readonly Recorded[]> => {
    for (;;) {
      const found = (await bus.read(self)).events.filter(({ type }) => type === 'pipeline.run-planned')
      if (found.length >= count) return found
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const released = async (run: number): Promise<Recorded | undefined> =>
    (await bus.read(self)).events.find(
      ({ type, data }) => type === 'pipeline.run-released' && (data as { run: number }).run === run,
    )
  /** What a run was planned with. */
  const nodesOf = async (run: number): Promise<string[]> => {
    const [first] = (await bus.read({ aggregate: 'run', scope: 'p', key: String(run) })).events
    return (first?.data as { nodes: { part: string }[] }).nodes.map(({ part }) => part)
  }
  /** A run ends, as its owner would record it. */
  const end = async (run: number): Promise<Recorded> => {
    const address = { aggregate: 'run', scope: 'p', key: String(run) }
    const about = { version: 1, source: 's', time: '', correlationId: 'x', causationId: 'x', principal: 'x' }
    const event = { ...about, id: `end-${run}`, type: 'run.succeeded', data: {} }
    await bus.append([{ address, expectedVersion: 'any', events: [event] }])
    return (await bus.read(address)).events.at(-1) as Recorded
  }
  return { handle, define, request, waitingRequest, waits, drop, planning, planned, released, nodesOf, end }
}

test('a start plans with the definitions of today, however long the history before them is', async () => {
  const { handle, define, request, planning, planned, nodesOf } = site()
  await define([store, node('removed', 'action')])
  for (let run = 0; run < 400; run++) {
    await request('before')
    const trigger = { kind: 'request', message: 'before', request: `${run}` }
    await handle('pipeline.plan', { trigger, offers: [], graph: 'a'.repeat(64), nodes: [] })
    await handle('pipeline.release', { run, outcome: 'succeeded' })
  }
  await define([store, node('added', 'action')])
  await define([node('elsewhere', 'action', { after: ['p/added'] })], 'q')
  const before = await planned(0)
  planning()
  const runs = await planned(before.length + 1)
  expect(await nodesOf((runs[before.length]?.data as { run: number }).run)).toEqual([
    'p/added',
    'p/metadata',
    'q/elsewhere',
  ])
})

test('a run is caused by what started it: the request, or the last file; its end frees the slot', async () => {
  const { define, request, drop, planning, planned, released, end } = site()
  await define([store, inbox, node('train', 'action', { after: ['p/inbox'] })])
  planning()
  const file = await drop('one')
  await planned(1)
  const asked = await request('please')
  await drop('two')
  const ended = await end(0)
  await planned(2)
  await end(1)
  const last = await drop('three')
  const runs = await planned(3)
  const told = runs.map(({ causationId, correlationId, data }) => ({
    causationId,
    correlationId,
    kind: (data as { trigger: { kind: string } }).trigger.kind,
  }))
  expect(told[0]).toEqual({ kind: 'files', causationId: file.id, correlationId: file.correlationId })
  expect(told[1]).toMatchObject({ kind: 'request', causationId: asked })
  expect(told[2]).toEqual({ kind: 'files', causationId: last.id, correlationId: last.correlationId })
  expect(await released(0)).toMatchObject({ causationId: ended.id })
})

test('more nodes than a run decides on at once are no run: that is said; as many as that begin all at once', async () => {
  const { define, request, planning, planned, nodesOf } = site()
  const actions = (count: number) => Array.from({ length: count }, (_, n) => node(`n${n}`, 'action'))
  await define([store, ...actions(900)])
  const said: string[] = []
  planning({ say: (line) => said.push(line) })
  await request('too many')
  await expect.poll(() => said).toHaveLength(1)
  expect(said[0]).toMatch(/ waits: no run can begin: it would have 901 nodes, and a run has 900 at most/)
  await define([store, ...actions(899)])
  await planned(1)
  expect(await nodesOf(0)).toHaveLength(900)
})

test('nodes of two pipelines that wait for each other are no run: that is said, and no slot is taken', async () => {
  const { define, request, planning, planned } = site()
  const said: string[] = []
  await define([store, node('a', 'action', { after: ['q/b'] })])
  await define([node('b', 'action', { after: ['p/a'] })], 'q')
  planning({ say: (line) => said.push(line) })
  await request('please')
  while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(said).toEqual(['p/a waits: no run can begin: a cycle: p/a -> q/b -> p/a'])
  expect(await planned(0)).toEqual([])
  await define([node('b', 'action')], 'q')
  await planned(1)
})

test('what a trigger still misses is said, once for as long as it is so', async () => {
  const { define, drop, planning, planned } = site()
  const said: string[] = []
  await define([store, inbox])
  const trigger: Trigger = ({ fresh }) => fresh.length >= 3 || `${fresh.length} of 3 files`
  planning({ trigger, say: (line) => said.push(line) })
  await drop('one')
  while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  await drop('two')
  await drop('three')
  await planned(1)
  expect(said.slice(0, 1)).toEqual(['p/inbox waits: 1 of 3 files'])
})

test.each([
  ['a condition that threw is said as a warning', new Error('no'), 'its condition threw: no', 'warn'],
  [
    'one that quotes such words is not',
    'eve says: its condition threw: no',
    'eve says: its condition threw: no',
    'info',
  ],
] as const)('%s', async (_, verdict, reason, level) => {
  const { define, drop, planning } = site()
  const said = Promise.withResolvers<Parameters<Say>>()
  await define([store, inbox])
  const trigger: Trigger = () => {
    if (verdict instanceof Error) throw verdict
    return verdict
  }
  planning({ trigger, say: (...line) => said.resolve(line) })
  await drop('one')
  expect(await said.promise).toEqual([`p/inbox waits: ${reason}`, level])
})

test('of files that arrive at once none is said to be missing', async () => {
  const { define, drop, planning, planned } = site()
  const said: string[] = []
  await define([store, inbox])
  const trigger: Trigger = ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`
  planning({ trigger, say: (line) => said.push(line), lag: 20 })
  await drop('one')
  await new Promise((resolve) => setTimeout(resolve, 60))
  await drop('two')
  await planned(1)
  expect(said).toEqual([])
})

test('what was missed is said no longer once its pipeline is paused: it waits for that', async () => {
  const { handle, define, drop, planning, waits } = site()
  await define([store, inbox])
  const trigger: Trigger = ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`
  planning({ trigger })
  await drop('one')
  await expect.poll(waits).toEqual({ 'p/inbox': '1 of 2 files' })
  await handle('pipeline.pause', { reason: 'by hand' })
  await drop('two')
  await expect.poll(waits).toEqual({})
})

test('a request that waited behind a run that ended meanwhile is planned with the whole graph', async () => {
  const { handle, define, request, waitingRequest, planning, planned, nodesOf, end } = site()
  await define([store, node('train', 'action')])
  const trigger = { kind: 'request', message: 'first', request: '' }
  await request('first')
  await handle('pipeline.plan', {
    trigger: { ...trigger, request: await waitingRequest() },
    offers: [],
    graph: 'a'.repeat(64),
    nodes: [{ part: 'p/train', kind: 'action', after: [] }],
  })
  await request('second')
  await end(0)
  planning({ lag: 20 })
  await planned(2)
  expect(await nodesOf(1)).toEqual(['p/metadata', 'p/train'])
})
