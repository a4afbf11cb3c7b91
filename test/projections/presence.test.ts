import { describe, expect, test, vi } from 'vitest'
import type { Presence } from '#bus/bus'
import { memoryBus } from '#bus/memory'
import { hostedBy } from '#projections/presence'
import { viewerOf } from '#projections/viewer'
import { leafGraph, rootGraph, teller, watching } from './story.ts'

const part = 'root/retraining'
const node = { part, kind: 'action', state: 'running', reason: null, run: 'root/0', host: 'gpu-1' }
const there = (host: string, nodes = [part]): Presence => ({ host, instance: 'i', machine: 'm', nodes, seenAt: 0 })
const present = (...hosts: Presence[]) => ({
  ...{ hosts, since: 0, at: 0 },
  seenAt: (host: string) => (host === 'gpu-1' ? 0 : undefined),
})

describe('a node that runs', () => {
  test('is at the host that runs it, whoever else could', () => {
    expect(hostedBy(node, present(there('gpu-0'), there('gpu-1')))).toEqual(node)
  })

  test('says who is away and who can take over', () => {
    const reason = 'host gpu-1 is away, last seen at 1970-01-01T00:00:00.000Z; gpu-2 can take over'
    expect(hostedBy(node, present(there('gpu-2')))).toEqual({ ...node, state: 'host away', host: 'gpu-2', reason })
  })

  test('waits for its host also where it is to be tried again, and says why that is', () => {
    const again = { ...node, state: 'queued', reason: 'retry 1 of 2 after: no room' }
    const reason = expect.stringMatching(/^waiting for host gpu-1, which is away, .*; retry 1 of 2 after: no room$/)
    expect(hostedBy(again, present())).toEqual({ ...again, state: 'host away', reason })
  })

  test('waits for its host where nobody else can run it, and says when that was last seen', () => {
    const reason = 'waiting for host gpu-1, which is away, last seen at 1970-01-01T00:00:00.000Z'
    expect(hostedBy(node, present(there('other', [])))).toEqual({ ...node, state: 'host away', reason })
  })
})

describe('a node that nothing is asked of, and that no host runs', () => {
  const store = { ...node, kind: 'filesystem-store', state: 'waiting', reason: 'waiting for files', host: null }
  const gone = (host: string, stoppedAt: number | null) => ({ host, stoppedAt })

  test('says so, and since when its host has stopped', () => {
    expect(hostedBy(store, present(), gone('gpu-9', 0))).toEqual({
      ...store,
      state: 'host away',
      reason: 'no host runs it since 1970-01-01T00:00:00.000Z',
    })
    expect(hostedBy(store, present())).toMatchObject({ state: 'host away', reason: 'no host runs it' })
  })

  test('says when its host was last seen, where that went without a word', () => {
    const reason = 'no host runs it: gpu-1 is away, last seen at 1970-01-01T00:00:00.000Z'
    expect(hostedBy(store, present(there('other', [])), gone('gpu-1', null))).toMatchObject({ reason })
  })

  test('waits for files again once a host is there', () => {
    expect(hostedBy(store, present(there('gpu-2')), gone('gpu-1', 0))).toEqual({ ...store, host: 'gpu-2' })
  })

  test('keeps how its last run went, and why', () => {
    const [done, failed] = [
      { ...node, state: 'succeeded' },
      { ...node, state: 'errored', reason: 'no room' },
    ]
    expect(hostedBy(done, present())).toEqual({ ...done, host: null, reason: 'no host runs it' })
    expect(hostedBy(failed, present())).toEqual({ ...failed, host: null, reason: 'no host runs it; no room' })
    expect(hostedBy(done, present(there('gpu-1')))).toEqual(done)
  })
})

test('a stopped pipeline has no host in the graph, while each of its runs stays as it was', async () => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  await story.wholeRun(0)
  const nodes = rootGraph.nodes.map(({ name }) => `root/${name}`)
  const about = { host: 'gpu-1', instance: 'i' }
  await story.fact('host.started', 'all', 'gpu-1', { ...about, machine: 'm', pid: 1, version: '0', nodes })
  const here = new AbortController()
  const { gone } = await bus.appear({ ...about, machine: 'm', nodes }, here.signal)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  type Standing = {
    readonly nodes: readonly { readonly part: string; readonly state: string; readonly reason: string }[]
  }
  const stands = async (name: string) =>
    ((await viewer.ask('graph', {})).value as Standing).nodes.find((one) => one.part === name)
  expect(await stands('root/haikus')).toMatchObject({ state: 'waiting', reason: 'waiting for files', host: 'gpu-1' })
  expect(await stands('leaf/models_rpc')).toMatchObject({ state: 'host away', reason: 'no host runs it' })
  await story.fact('host.stopped', 'all', 'gpu-1', about)
  here.abort()
  await gone
  await caughtUp()
  const reason = expect.stringMatching(/^no host runs it since \d{4}-/)
  for (const name of ['haikus', 'models', 'metadata_store'])
    expect(await stands(`root/${name}`)).toMatchObject({ state: 'host away', reason, host: null })
  expect(await stands('root/retraining')).toMatchObject({ state: 'succeeded', reason })
  const run = (await viewer.ask('run', { pipeline: 'root', run: 0 })).value as Standing
  expect(run.nodes.map(({ state, reason: why }) => [state, why])).toEqual(run.nodes.map(() => ['succeeded', null]))
})

test('the graph names pipelines that no host has run for a week, unless a run waits for them', async () => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  const about = { host: 'gpu-1', instance: 'i' }
  const started = {
    ...about,
    machine: 'm',
    pid: 1,
    version: '0',
    nodes: rootGraph.nodes.map(({ name }) => `root/${name}`),
  }
  await story.fact('host.started', 'all', 'gpu-1', started)
  await story.fact('host.stopped', 'all', 'gpu-1', about)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const idle = async () => {
    const { idle: found } = (await viewer.ask('graph', {})).value as { idle: readonly { pipeline: string }[] }
    return found.map(({ pipeline }) => pipeline)
  }
  expect(await idle()).toEqual([])
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 86_400_000 })
  try {
    expect(await idle()).toEqual(['leaf', 'root'])
    await story.drop('a.txt')
    await story.plan([rootGraph])
    await caughtUp()
    expect(await idle()).toEqual([]) // The run spans both.
  } finally {
    vi.useRealTimers()
  }
})

test('what a run asks of a host that is away is not told as running, in the run and in the graph alike', async () => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.drop('a.txt')
  await story.plan([rootGraph])
  const here = new AbortController()
  const about = { host: 'host-root', instance: 'at-root', machine: 'm', nodes: [part] }
  const { gone } = await bus.appear(about, here.signal)
  await story.start(0, part)
  const { viewer, caughtUp } = await watching(bus)
  await caughtUp()
  const stands = async (name: 'run' | 'graph', more = {}) => {
    const { value } = await viewer.ask(name, { ...(name === 'run' && { pipeline: 'root', run: 0 }), ...more })
    return standsIn(value)
  }
  for (const name of ['run', 'graph'] as const)
    expect(await stands(name)).toMatchObject({ state: 'running', host: 'host-root' })
  here.abort()
  await gone
  const reason = expect.stringMatching(/^waiting for host host-root, which is away, last seen at /)
  for (const name of ['run', 'graph'] as const)
    expect(await stands(name)).toMatchObject({ state: 'host away', host: 'host-root', reason })
  expect(await stands('run', { at: `${bus.logId}.${await bus.head()}` })).toMatchObject({ state: 'running' })
  const other = new AbortController()
  const { gone: left } = await bus.appear({ ...about, host: 'gpu-2', instance: 'i' }, other.signal)
  const takes = expect.stringMatching(/host-root is away, .*; gpu-2 can take over$/)
  for (const name of ['run', 'graph'] as const)
    expect(await stands(name)).toMatchObject({ state: 'host away', reason: takes })
  other.abort()
  await left
})

const queued = async () => {
  const bus = memoryBus()
  const story = teller(bus)
  await story.define(rootGraph)
  await story.drop('a.txt')
  await story.plan([rootGraph])
  const watched = await watching(bus)
  await watched.caughtUp()
  return { bus, ...watched }
}
const standsIn = (graph: unknown) => (graph as { nodes: { part: string }[] }).nodes.find((one) => one.part === part)

test('the graph says of the present who is away, and of the past what the log says', async () => {
  const { bus, viewer } = await queued()
  const { value } = await viewer.ask('graph', {})
  expect(standsIn(value)).toMatchObject({ state: 'host away', reason: 'waiting for a host that runs it' })
  const past = await viewer.ask('graph', { at: `${bus.logId}.${await bus.head()}` })
  expect(standsIn(past.value)).toMatchObject({ state: 'queued' })
})

test('what only the server knows is not waited for longer than a moment, and not invented', async () => {
  const { bus, follower } = await queued()
  const never = () => new Promise<never>(() => undefined)
  const viewer = viewerOf({ ...bus, head: never, present: never }, follower)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const asked = Promise.all([viewer.ask('status', {}), viewer.ask('graph', {})])
    await vi.advanceTimersByTimeAsync(1_000)
    const [status, graph] = await asked
    expect(status.value).toMatchObject({ head: null, lag: null })
    expect(standsIn(graph.value)).toMatchObject({ state: 'queued' })
  } finally {
    vi.useRealTimers()
    viewer.close()
  }
})
