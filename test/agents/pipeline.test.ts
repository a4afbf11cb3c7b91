import { describe, expect, test } from 'vitest'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import type { PipelineCommand, PipelineEvent } from '#contracts/pipeline'
import { scenario } from './scenario.ts'

const given = scenario(pipelineDecider, { scope: 'root', key: 'self' })

const digest = 'd'.repeat(64)
const graph = {
  pipeline: 'root',
  nodes: [{ name: 'metadata', kind: 'metadata-store' as const, after: [], next: [] }],
}
const defined: PipelineEvent = { type: 'pipeline.defined', data: { version: 1, digest, graph } }
const define: PipelineCommand = { type: 'pipeline.define', data: { graph, digest } }
const start: PipelineCommand = { type: 'pipeline.start', data: { message: 'please' } }
const requested: PipelineEvent = { type: 'pipeline.run-requested', data: { request: 'command', message: 'please' } }

const offer = (after: number, upTo: number, count = 1) => ({
  resource: 'root/in',
  after: `log.${after}`,
  upTo: `log.${upTo}`,
  count,
})
const plan = (offers: ReturnType<typeof offer>[], request?: string): PipelineCommand => ({
  type: 'pipeline.plan',
  data: {
    trigger: request ? { kind: 'request', message: 'please', request } : { kind: 'files', message: 'a.txt' },
    offers,
    graph: digest,
    nodes: [{ part: 'root/train', kind: 'action', after: [] }],
  },
})
const planned = (run: number, offers: ReturnType<typeof offer>[]): PipelineEvent => ({
  type: 'pipeline.run-planned',
  data: { run, graph: digest, trigger: { kind: 'files', message: 'a.txt' }, offers },
})
const release = (run: number): PipelineCommand => ({ type: 'pipeline.release', data: { run, outcome: 'succeeded' } })
const released = (run: number): PipelineEvent => ({
  type: 'pipeline.run-released',
  data: { run, outcome: 'succeeded' },
})

describe('a pipeline', () => {
  test('is defined once for each graph, and again for another', () => {
    given().when(define).records(defined)
    given(defined).when(define).records()
    const other = { graph, digest: 'e'.repeat(64) }
    given(defined)
      .when({ type: 'pipeline.define', data: other })
      .records({ type: 'pipeline.defined', data: { ...other, version: 2 } })
  })

  test('numbers runs from 0 without gaps, and records each with its first events in one piece', () => {
    const first = given(defined).when(plan([offer(0, 5)]))
    first.records(planned(0, [offer(0, 5)]))
    first.recordsAlso(expect.objectContaining({ type: 'run.planned' }), {
      type: 'run.node-scheduled',
      data: { part: 'root/train', attempt: 1 },
    })
    given(defined, planned(0, [offer(0, 5)]), released(0))
      .when(plan([offer(5, 9)]))
      .records(planned(1, [offer(5, 9)]))
  })

  test('runs one at a time', () => {
    given(defined, planned(0, [offer(0, 5)]))
      .when(plan([offer(5, 9)]))
      .isRefused('no-slot')
  })

  test('offers each fact once: from where the last offer ended', () => {
    const after = [defined, planned(0, [offer(0, 5)]), released(0)]
    given(...after)
      .when(plan([offer(0, 9)]))
      .isRefused('stale')
    given(...after)
      .when(plan([offer(7, 9)]))
      .isRefused('stale')
    given(defined)
      .when(plan([offer(3, 5)]))
      .isRefused('stale')
  })

  test('starts no run empty by accident, but does on request', () => {
    given(defined)
      .when(plan([offer(0, 0, 0)]))
      .isRefused('empty')
    given(defined, requested)
      .when(plan([offer(0, 0, 0)], 'command'))
      .records({ type: 'pipeline.run-planned' } as never)
  })

  test('queues each request and answers each once', () => {
    given(defined).when(start).records(requested)
    given().when(start).isRefused('undefined')
    const storeless: PipelineEvent = {
      type: 'pipeline.defined',
      data: { version: 1, digest, graph: { pipeline: 'root', nodes: [] } },
    }
    given(storeless).when(start).isRefused('no-runs')
    given(defined).when(plan([], 'command')).isRefused('not-requested')
    const answered: PipelineEvent = {
      type: 'pipeline.run-planned',
      data: { run: 0, graph: digest, trigger: { kind: 'request', message: 'please', request: 'command' }, offers: [] },
    }
    given(defined, requested, answered, released(0)).when(plan([], 'command')).isRefused('not-requested')
  })

  test.each([define, release(0)])('$type may be delivered twice', (command) => {
    const past = command.type === 'pipeline.release' ? [defined, planned(0, [offer(0, 5)])] : []
    expect(
      given(...past)
        .when(command)
        .again(),
    ).toEqual({ accepted: true, events: [] })
  })
})
