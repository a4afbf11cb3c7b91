import { expect, test } from 'vitest'
import type { Graph, GraphNode, RunDetail, Span } from '../../src/http/console/api.ts'
import { framesOf, without } from '../../src/http/console/frames.ts'
import { graphOfRun } from '../../src/http/console/run-graph.ts'
import { rowsOf } from '../../src/http/console/spans.ts'

const node = (part: string, host: string | null) => ({ part, pipeline: part.split('/')[0], host }) as GraphNode
const shown = (nodes: readonly GraphNode[]) =>
  framesOf(nodes).map(({ pipeline, host, nodes: inside }) => [pipeline, host, ...inside.map(({ part }) => part)])

test('what no host runs is not drawn with another host of its pipeline', () => {
  const nodes = [node('lab/store', 'disk'), node('lab/train', null), node('lab/plot', 'disk'), node('far/eval', null)]
  expect(shown(nodes)).toEqual([
    ['lab', 'disk', 'lab/store', 'lab/plot'],
    ['lab', null, 'lab/train'],
    ['far', null, 'far/eval'],
  ])
})

test('a graph can be shown without pipelines that nobody runs, and without what joins them', () => {
  const nodes = [node('lab/a', 'disk'), node('lab/b', 'disk'), node('old/c', null)]
  const edge = (source: string, target: string) => ({ source, target, kind: 'after' as const })
  const graph = { nodes, edges: [edge('lab/a', 'lab/b'), edge('lab/b', 'old/c')] }
  expect(without(graph, ['old'])).toEqual({ nodes: nodes.slice(0, 2), edges: graph.edges.slice(0, 1) })
  expect(without(graph, [])).toEqual(graph)
})

const ofRun = (part: string, state: string, host: string | null) =>
  ({ ...{ part, state, host, kind: 'action', after: [], reused: null, reason: null } }) as unknown as GraphNode
const runWith = (...nodes: GraphNode[]) =>
  ({ run: 'lab/0', endedAt: null, nodes, artifacts: [], attempts: [] }) as unknown as RunDetail

test('a node of a run is where it was executed, else where the present has it, else with the rest of its pipeline', () => {
  const run = runWith(
    ofRun('lab/a', 'succeeded', 'gpu'),
    ofRun('lab/b', 'waiting', null),
    ofRun('lab/c', 'waiting', null),
  )
  const present = { nodes: [node('lab/b', null), node('lab/a', 'disk')], edges: [] } as unknown as Graph
  const hosts = (graph: Graph | undefined) => graphOfRun(run, graph).nodes.map(({ host }) => host)
  expect(hosts(present)).toEqual(['gpu', null, 'gpu'])
  expect(hosts(undefined)).toEqual(['gpu', 'gpu', 'gpu'])
})

test('a timeline does not tell what a host that is away was at as if it went on', () => {
  const at = (second: number) => new Date(second * 1000).toISOString()
  const span = { part: 'lab/a', attempt: 1, reason: null, host: 'gpu' } as const
  const spans: Span[] = [
    { ...span, state: 'queued', from: at(1), to: at(2) },
    { ...span, state: 'running', from: at(2), to: null },
  ]
  const broke = (state: string) => rowsOf(runWith(ofRun('lab/a', state, 'gpu')), spans)[0]?.bars.map((bar) => bar.broke)
  expect(broke('host away')).toEqual([undefined, 'host away'])
})
