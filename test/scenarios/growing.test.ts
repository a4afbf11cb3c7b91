import { expect } from 'vitest'
import { ask } from '#bus/command'
import { type Stage, scenario } from './stage.ts'

type Node = {
  readonly part: string
  readonly kind: string
  readonly state: string
  readonly after: readonly string[]
  readonly reason: string | null
}

const nodesOf = async (s: Stage, run: number): Promise<readonly string[]> => {
  const { nodes } = await s.ask<{ readonly nodes: readonly Node[] }>('run', { run, only: 'nodes' })
  const name = (part: string) => part.slice(part.indexOf('/') + 1)
  return nodes
    .filter(({ kind }) => kind === 'action')
    .map(({ part, after, state }) => `${name(part)} after ${after.map(name).join()}: ${state}`)
}
const started = (s: Stage, run: number) =>
  s.until(`the start of run ${run}`, async () =>
    (await s.bus.read({ aggregate: 'run', scope: 'root_pipeline', key: `${run}` })).events.some(
      ({ type }) => type === 'run.node-started',
    ),
  )

scenario(
  'growing-1',
  ['root'],
  'a run under way keeps the graph it began with, and the next one has the new graph',
  async (s) => {
    await s.begin()
    s.drop('root', 'open0', '')
    s.drop('root', 'data/a.txt', 'a')
    expect((await s.ended(0)).type).toBe('run.succeeded')
    s.drop('root', 'data/b.txt', 'b')
    await started(s, 1)

    // A node is added, an edge moved, and one is gone, while run 1 is under way.
    await s.stop('root')
    const next = s.start('root', 'growing-2')
    await next.says(/root is ready/)
    s.drop('root', 'open1', '')
    const held = await s.until('what waits', async () => {
      const nodes = await nodesOf(s, 1)
      return nodes.some((node) => node.startsWith('gone after second: queued')) && nodes
    })
    expect(held).toEqual([
      'first after data_store: succeeded',
      'second after first: succeeded',
      'gone after second: queued',
    ])
    // What the definition has lost is executed by nobody: that is said, and the run can be ended.
    const { nodes } = await s.http<{ nodes: readonly Node[] }>('/api/runs/root_pipeline/1')
    expect(nodes.find(({ part }) => part === 'root_pipeline/gone')?.reason).toMatch(
      /root_pipeline defines it no longer, so nobody executes it: cancel the run/,
    )
    const address = { aggregate: 'run', scope: 'root_pipeline', key: '1' }
    await ask(s.bus, { address, type: 'run.cancel', data: { reason: 'its definition is another one now' } })
    expect((await s.ended(1)).type).toBe('run.cancelled')

    s.drop('root', 'open2', '')
    s.drop('root', 'data/c.txt', 'c')
    expect((await s.ended(2)).type).toBe('run.succeeded')
    expect(await nodesOf(s, 2)).toEqual([
      'first after data_store: succeeded',
      'added after first: succeeded',
      'second after added: succeeded',
    ])
    expect(await nodesOf(s, 0)).toEqual([
      'first after data_store: succeeded',
      'second after first: succeeded',
      'gone after second: succeeded',
    ])
    const graphs = (await s.events()).filter(({ type }) => type === 'pipeline.defined')
    expect(graphs.map(({ data }) => (data as { version: number }).version)).toEqual([1, 2])
  },
)
