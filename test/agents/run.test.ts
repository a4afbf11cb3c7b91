import { describe, expect, test } from 'vitest'
import { firstEventsOf } from '#agents/pipelines/consequences'
import { run } from '#agents/pipelines/run'
import type { RunCommand, RunEvent } from '#contracts/run'
import { scenario } from './scenario.ts'

const given = scenario(run, { scope: 'root', key: '0' })

const node = (name: string, kind: 'action' | 'filesystem-store' | 'unknown', ...after: string[]) => ({
  part: `root/${name}`,
  kind,
  after: after.map((before) => `root/${before}`),
})

const planned = (...nodes: ReturnType<typeof node>[]): Extract<RunEvent, { type: 'run.planned' }> => ({
  type: 'run.planned',
  data: { run: 0, graph: 'a'.repeat(64), trigger: { kind: 'files', message: '' }, offers: [], nodes },
})

/** A diamond: a store, then train, then two evaluations, then a report. */
const diamond = firstEventsOf(
  planned(
    node('store', 'filesystem-store'),
    node('train', 'action', 'store'),
    node('left', 'action', 'train'),
    node('right', 'action', 'train'),
    node('report', 'action', 'left', 'right'),
  ),
)

const execution = (name: string, delivery = 1, instance = 'one') => ({
  part: `root/${name}`,
  attempt: 1,
  delivery,
  instance,
})
const scheduled = (name: string): RunEvent => ({
  type: 'run.node-scheduled',
  data: { part: `root/${name}`, attempt: 1 },
})
const started = (name: string, delivery = 1, instance = 'one'): RunEvent => ({
  type: 'run.node-started',
  data: { ...execution(name, delivery, instance), host: 'here' },
})
/** It succeeded, and these are to be executed because of that. */
const succeeded = (name: string, ...next: readonly string[]): RunEvent => ({
  type: 'run.node-succeeded',
  data: { ...execution(name), next: next.map((one) => ({ part: `root/${one}`, attempt: 1 })) },
})
const failed = (name: string): RunEvent => ({
  type: 'run.node-failed',
  data: { ...execution(name), how: 'errored', reason: 'no memory' },
})
const skipped = (name: string) => ({ type: 'run.node-skipped', data: { part: `root/${name}` } })

const start = (name: string, delivery = 1, instance = 'one'): RunCommand => ({
  type: 'run.start-node',
  data: { ...execution(name, delivery, instance), host: 'here' },
})
const beat = (name: string, delivery = 1, instance = 'one'): RunCommand => ({
  type: 'run.beat-node',
  data: execution(name, delivery, instance),
})
const report = (
  name: string,
  outcome: 'succeeded' | 'failed' | 'errored',
  delivery = 1,
  instance = 'one',
): RunCommand => ({
  type: 'run.report-node',
  data: {
    ...execution(name, delivery, instance),
    result: outcome === 'succeeded' ? { outcome } : { outcome, reason: 'no memory' },
  },
})

describe('a run', () => {
  test('schedules what has nothing before it but stores', () => {
    expect(diamond.slice(1)).toEqual([scheduled('train')])
  })

  test('without an action succeeds at once', () => {
    expect(firstEventsOf(planned(node('store', 'filesystem-store'))).at(-1)).toEqual({
      type: 'run.succeeded',
      data: {},
    })
  })

  test('waits for a node that nobody has defined yet, and goes on once somebody has: an action is scheduled, a store is ready', () => {
    const far = firstEventsOf(planned(node('far', 'unknown'), node('near', 'action', 'far')))
    expect(far).toHaveLength(1)
    const known = (kind: 'action' | 'filesystem-store'): RunCommand => ({
      type: 'run.know-node',
      data: { part: 'root/far', kind },
    })
    given(...far)
      .when(known('action'))
      .records({ type: 'run.node-known', data: { part: 'root/far', kind: 'action' } }, scheduled('far'))
    given(...far)
      .when(known('filesystem-store'))
      .records({ type: 'run.node-known', data: { part: 'root/far', kind: 'filesystem-store' } }, scheduled('near'))
  })

  test('starts what is scheduled', () => {
    given(...diamond)
      .when(start('train'))
      .records(started('train'))
  })

  test('refuses to start what waits, what has ended and what another process executes', () => {
    given(...diamond)
      .when(start('report'))
      .isRefused('not-scheduled')
    given(...diamond, started('train'), succeeded('train'))
      .when(start('train', 2))
      .isRefused('ended')
    given(...diamond, started('train'))
      .when(start('train', 1, 'two'))
      .isRefused('superseded')
    given(...diamond, started('train', 2))
      .when(start('train', 1))
      .isRefused('superseded')
  })

  test('lets a later delivery take over', () => {
    given(...diamond, started('train'))
      .when(start('train', 2, 'two'))
      .records(started('train', 2, 'two'))
  })

  test('answers the beat of whoever holds the node, and refuses any other', () => {
    given(...diamond, started('train'))
      .when(beat('train'))
      .records()
    given(...diamond, started('train', 2, 'two'))
      .when(beat('train'))
      .isRefused('superseded')
    given(...diamond)
      .when(beat('train'))
      .isRefused('ended')
  })

  test('schedules what is behind a node that succeeded', () => {
    given(...diamond, started('train'))
      .when(report('train', 'succeeded'))
      .records(succeeded('train', 'left', 'right'))
  })

  test('waits until all nodes before one have succeeded', () => {
    const half = [...diamond, started('train'), succeeded('train', 'left', 'right')]
    given(...half, started('left'))
      .when(report('left', 'succeeded'))
      .records(succeeded('left'))
    given(...half, started('left'), succeeded('left'), started('right'))
      .when(report('right', 'succeeded'))
      .records(succeeded('right', 'report'))
  })

  test('skips what is behind a failure, lets the rest go on, and fails at the end', () => {
    const half = [
      ...diamond,
      started('train'),
      succeeded('train'),
      scheduled('left'),
      scheduled('right'),
      started('left'),
      started('right'),
    ]
    given(...half)
      .when(report('left', 'errored'))
      .records(failed('left'), skipped('report'))
    given(...half, failed('left'), {
      type: 'run.node-skipped',
      data: { part: 'root/report', because: 'root/left', reason: '' },
    })
      .when(report('right', 'succeeded'))
      .records(succeeded('right'), { type: 'run.failed', data: { failed: ['root/left'] } })
  })

  test('skips all that is behind a failure, however far', () => {
    const chain = firstEventsOf(planned(node('a', 'action'), node('b', 'action', 'a'), node('c', 'action', 'b')))
    given(...chain, started('a'))
      .when(report('a', 'failed'))
      .records({ type: 'run.node-failed' } as never, skipped('b'), skipped('c'), {
        type: 'run.failed',
        data: { failed: ['root/a'] },
      })
  })

  test('records a late report as ignored, once, and changes nothing', () => {
    const superseded = [...diamond, started('train'), started('train', 2, 'two')]
    const late = given(...superseded).when(report('train', 'succeeded'))
    late.records({ type: 'run.report-ignored', data: { ...execution('train'), reported: 'succeeded' } })
    expect(late.again()).toMatchObject({ accepted: false, refusal: 'superseded' })
  })

  test('refuses a run and a node that are not there', () => {
    given().when(start('train')).isRefused('unknown')
    given(...diamond)
      .when(start('nothing'))
      .isRefused('unknown-node')
  })

  test.each([
    start('train'),
    beat('train'),
    report('train', 'succeeded'),
    report('train', 'errored'),
  ])('$type may be delivered twice', (command) => {
    const past = command.type === 'run.start-node' ? diamond : [...diamond, started('train')]
    expect(
      given(...past)
        .when(command)
        .again(),
    ).toEqual({ accepted: true, events: [] })
  })
})
