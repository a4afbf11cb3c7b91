import { describe, expect, test, vi } from 'vitest'
import type { Presence } from '#bus/bus'
import { memoryBus } from '#bus/memory'
import { hostedBy } from '#projections/presence'
import { viewerOf } from '#projections/viewer'
import { rootGraph, teller, watching } from './story.ts'

const part = 'root/retraining'
const node = { part, state: 'running', reason: null, host: 'gpu-1' }
const there = (host: string, nodes = [part]): Presence => ({ host, instance: 'i', machine: 'm', nodes, seenAt: 0 })
const present = (...hosts: Presence[]) => ({ hosts, seenAt: (host: string) => (host === 'gpu-1' ? 0 : undefined) })

describe('a node that runs', () => {
  test('is at the host that runs it, whoever else could', () => {
    expect(hostedBy(node, present(there('gpu-0'), there('gpu-1')))).toEqual(node)
  })

  test('says who is away and who can take over', () => {
    const reason = 'host gpu-1 is away, last seen at 1970-01-01T00:00:00.000Z; gpu-2 can take over'
    expect(hostedBy(node, present(there('gpu-2')))).toEqual({ ...node, host: 'gpu-2', reason })
  })

  test('waits for its host where nobody else can run it, and says when that was last seen', () => {
    const reason = 'waiting for host gpu-1, which is away, last seen at 1970-01-01T00:00:00.000Z'
    expect(hostedBy(node, present(there('other', [])))).toEqual({ ...node, state: 'host away', reason })
  })
})

test('a node that has run keeps its state', () => {
  const done = { ...node, state: 'succeeded' }
  expect(hostedBy(done, present())).toEqual(done)
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
