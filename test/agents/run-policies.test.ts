import { describe, expect, test } from 'vitest'
import { firstEventsOf } from '#agents/pipelines/consequences'
import { delayOf, run } from '#agents/pipelines/run'
import type { RunNode } from '#contracts/pipeline'
import type { RunCommand, RunEvent } from '#contracts/run'
import { scenario } from './scenario.ts'

const given = scenario(run, { scope: 'root', key: '0' })

const node = (name: string, after: string[] = [], more: Partial<RunNode> = {}): RunNode => ({
  part: `root/${name}`,
  kind: 'action',
  after: after.map((before) => `root/${before}`),
  ...more,
})
const begun = (...nodes: RunNode[]): RunEvent[] =>
  firstEventsOf({
    type: 'run.planned',
    data: { run: 0, graph: 'a'.repeat(64), trigger: { kind: 'files', message: '' }, offers: [], nodes },
  })

const of = (name: string, attempt = 1) => ({ part: `root/${name}`, attempt, delivery: 1, instance: 'one' })
const scheduled = (name: string, attempt = 1): RunEvent => ({
  type: 'run.node-scheduled',
  data: { part: `root/${name}`, attempt },
})
const started = (name: string, attempt = 1): RunEvent => ({
  type: 'run.node-started',
  data: { ...of(name, attempt), host: 'here' },
})
/** It succeeded, and these are to be executed because of that. */
const succeeded = (name: string, ...next: readonly string[]): RunEvent => ({
  type: 'run.node-succeeded',
  data: { ...of(name), next: next.map((one) => ({ part: `root/${one}`, attempt: 1 })) },
})
const failed = (name: string, attempt = 1, how: 'failed' | 'errored' = 'errored'): RunEvent => ({
  type: 'run.node-failed',
  data: { ...of(name, attempt), how, reason: 'no memory' },
})
const report = (name: string, outcome: 'failed' | 'errored' | 'cancelled', attempt = 1): RunCommand => ({
  type: 'run.report-node',
  data: { ...of(name, attempt), result: { outcome, reason: 'no memory' } },
})
const done = (name: string, attempt = 1): RunCommand => ({
  type: 'run.report-node',
  data: { ...of(name, attempt), result: { outcome: 'succeeded' } },
})
const start = (name: string, attempt = 1): RunCommand => ({
  type: 'run.start-node',
  data: { ...of(name, attempt), host: 'here' },
})

describe('a join', () => {
  const any = begun(node('left'), node('right'), node('first', ['left', 'right'], { join: 'any' }))

  test('of all waits for each; of any for one, and for no store', () => {
    const all = begun(node('left'), node('right'), node('both', ['left', 'right']))
    given(...all, started('left'))
      .when(done('left'))
      .records(succeeded('left'))
    given(...any, started('left'))
      .when(done('left'))
      .records(succeeded('left', 'first'))
    const store = node('store', [], { kind: 'filesystem-store' })
    expect(begun(store, node('left'), node('first', ['store', 'left'], { join: 'any' })).slice(1)).toEqual([
      scheduled('left'),
    ])
    expect(begun(store, node('alone', ['store'], { join: 'any' })).slice(1)).toEqual([scheduled('alone')])
  })

  test('of any is skipped only once all before it are lost', () => {
    given(...any, started('left'))
      .when(report('left', 'errored'))
      .records(failed('left'))
    given(...any, started('left'), failed('left'), started('right'))
      .when(report('right', 'errored'))
      .records(
        failed('right'),
        { type: 'run.node-skipped', data: { part: 'root/first' } },
        { type: 'run.failed', data: {} },
      )
  })

  test('of any starts once, though the others succeed later', () => {
    given(...any, started('left'), succeeded('left', 'first'), started('right'))
      .when(done('right'))
      .records(succeeded('right'))
  })
})

describe('a retry', () => {
  const retry = { times: 2, delay: 1000, factor: 3, most: 2000 }
  const past = begun(node('train', [], { retry }), node('report', ['train']))
  const set = (tries: number, delay: number) => ({
    type: 'run.node-retry-set' as const,
    data: { part: 'root/train', attempt: tries + 1, tries, of: 2, delay },
  })
  const retryNode = (attempt: number): RunCommand => ({
    type: 'run.retry-node',
    data: { part: 'root/train', attempt },
  })

  test('is set when a node breaks, later each time, and no later than said', () => {
    given(...past, started('train'))
      .when(report('train', 'errored'))
      .records(failed('train'), set(1, 1000))
    given(...past, started('train'), failed('train'), set(1, 1000), scheduled('train', 2), started('train', 2))
      .when(report('train', 'errored', 2))
      .records(failed('train', 2), set(2, 2000))
    expect([1, 2, 3, 4].map((tries) => delayOf({ times: 9, delay: 10, factor: 2, most: 50 }, tries))).toEqual([
      10, 20, 40, 50,
    ])
  })

  test('is the last after as many as said: then what is behind it is skipped', () => {
    const twice = [set(1, 1000), scheduled('train', 2), started('train', 2), failed('train', 2), set(2, 2000)]
    given(...past, started('train'), failed('train'), ...twice, scheduled('train', 3), started('train', 3))
      .when(report('train', 'errored', 3))
      .records(
        failed('train', 3),
        { type: 'run.node-skipped', data: { part: 'root/report' } },
        { type: 'run.failed', data: {} },
      )
  })

  test('is not made of what said no', () => {
    given(...past, started('train'))
      .when(report('train', 'failed'))
      .records(failed('train', 1, 'failed'), { type: 'run.node-skipped', data: {} }, { type: 'run.failed', data: {} })
  })

  test('begins when its time has come, once', () => {
    const broken = [...past, started('train'), failed('train'), set(1, 1000)]
    const due = given(...broken).when(retryNode(2))
    due.records(scheduled('train', 2))
    expect(due.again()).toEqual({ accepted: true, events: [] })
    given(...broken)
      .when(start('train'))
      .isRefused('not-scheduled')
    given(...broken)
      .when(retryNode(3))
      .records()
  })
})

describe('a timeout', () => {
  const about = { part: 'root/train', attempt: 1, timeout: 5000 }

  test('is told to whoever executes the node, each time', () => {
    const retry = { times: 1, delay: 100, factor: 2, most: 100 }
    const [, scheduledFirst] = begun(node('train', [], { timeout: 5000, retry }))
    expect(scheduledFirst).toEqual({ type: 'run.node-scheduled', data: about })
    given(...begun(node('train', [], { timeout: 5000, retry })), started('train'), failed('train'), {
      type: 'run.node-retry-set',
      data: { part: 'root/train', attempt: 2, tries: 1, of: 1, delay: 100 },
    })
      .when({ type: 'run.retry-node', data: { part: 'root/train', attempt: 2 } })
      .records({ type: 'run.node-scheduled', data: { ...about, attempt: 2 } })
  })

  test('is told with the success that lets the node begin', () => {
    given(...begun(node('first'), node('train', ['first'], { timeout: 5000 })), started('first'))
      .when(done('first'))
      .records({ type: 'run.node-succeeded', data: { ...of('first'), next: [about] } })
  })
})

describe('a run that is cancelled', () => {
  const past = [...begun(node('train'), node('other'), node('report', ['train'])), started('train')]
  const cancel: RunCommand = { type: 'run.cancel', data: { reason: 'enough' } }
  const cancelled = (name: string, stopped = true, attempt = 1) => ({
    type: 'run.node-cancelled' as const,
    data: { part: `root/${name}`, attempt, stopped, reason: 'x' },
  })
  const stopping: RunEvent[] = [
    { type: 'run.stop-begun', data: { why: 'cancelled', reason: 'enough' } },
    cancelled('other'),
    cancelled('report', true, 0),
  ]

  test('drops what has not begun, and tells what is executed to stop by refusing its beats', () => {
    given(...past)
      .when(cancel)
      .records(
        { type: 'run.stop-begun', data: { why: 'cancelled', reason: 'enough' } },
        { type: 'run.node-cancelled', data: { part: 'root/other', attempt: 1, stopped: true } },
        { type: 'run.node-cancelled', data: { part: 'root/report', attempt: 0, stopped: true } },
      )
    given(...past, ...stopping)
      .when({ type: 'run.beat-node', data: of('train') })
      .isRefused('cancelled')
    given(...past, ...stopping)
      .when(start('other'))
      .isRefused('cancelled')
  })

  test('ends once all has stopped', () => {
    given(...past, ...stopping)
      .when(report('train', 'cancelled'))
      .records(
        { type: 'run.node-cancelled', data: { part: 'root/train', stopped: true, reason: 'no memory' } },
        { type: 'run.cancelled', data: { reason: 'enough', unstopped: [] } },
      )
  })

  test('knows that what a host executed is over when that host asks again; what another one asks says nothing', () => {
    const again = (instance: string, delivery = 2): RunCommand => ({
      type: 'run.start-node',
      data: { ...of('train'), delivery, instance, host: 'here' },
    })
    given(...past, ...stopping)
      .when(again('one'))
      .records(
        {
          type: 'run.node-cancelled',
          data: { part: 'root/train', attempt: 1, stopped: true, reason: 'here was started anew' },
        },
        { type: 'run.cancelled', data: { reason: 'enough', unstopped: [] } },
      )
    given(...past, ...stopping)
      .when(again('two'))
      .isRefused('cancelled')
    given(...past, ...stopping)
      .when(again('one', 1))
      .isRefused('cancelled')
  })

  test('keeps what succeeded all the same, and starts nothing behind it', () => {
    given(...past, ...stopping)
      .when(done('train'))
      .records(succeeded('train'), { type: 'run.cancelled', data: { reason: 'enough', unstopped: [] } })
  })

  test('tries nothing again that breaks', () => {
    const retry = { times: 5, delay: 1, factor: 1, most: 1 }
    given(...begun(node('train', [], { retry })), started('train'), stopping[0] as RunEvent)
      .when(report('train', 'errored'))
      .records(failed('train'), { type: 'run.cancelled', data: {} })
  })

  test('ends without what never said that it stopped, and says so', () => {
    given(...past, ...stopping)
      .when({ type: 'run.settle', data: {} })
      .records(
        {
          type: 'run.node-cancelled',
          data: { part: 'root/train', stopped: false, reason: 'here has not said that it stopped' },
        },
        { type: 'run.cancelled', data: { reason: 'enough', unstopped: ['root/train'] } },
      )
  })

  test('lets nobody go once it has ended', () => {
    const ended: RunEvent[] = [
      ...past,
      { type: 'run.paused', data: { by: 'request', reason: 'x' } },
      ...stopping,
      { type: 'run.cancelled', data: { reason: 'enough', unstopped: [] } },
    ]
    given(...ended)
      .when({ type: 'run.resume', data: {} })
      .isRefused('ended')
    given(...ended)
      .when({ type: 'run.let-go', data: {} })
      .records()
  })

  test('is not held back any more, and does not look as if it were', () => {
    given(...past, ...stopping)
      .when({ type: 'run.hold', data: { reason: 'holidays' } })
      .records()
    given(...past, ...stopping)
      .when({ type: 'run.pause', data: { reason: 'look' } })
      .isRefused('cancelled')
  })

  test('is cancelled once; one that has ended is refused', () => {
    given(...past, ...stopping)
      .when(cancel)
      .records()
    given(...begun(node('a')), started('a'), succeeded('a'), { type: 'run.succeeded', data: {} })
      .when(cancel)
      .isRefused('ended')
  })
})

test('a run beyond its deadline ends as one that is cancelled does, with another word; one that has ended was in time', () => {
  const expire: RunCommand = { type: 'run.expire', data: {} }
  given(...begun(node('far', [], { kind: 'unknown' })))
    .when(expire)
    .records(
      { type: 'run.stop-begun', data: { why: 'timed-out' } },
      { type: 'run.node-cancelled', data: { part: 'root/far' } },
      { type: 'run.timed-out', data: { unstopped: [] } },
    )
  given(...begun(node('a')), started('a'), succeeded('a'), { type: 'run.succeeded', data: {} })
    .when(expire)
    .records()
})

describe('a run that is paused', () => {
  const past = [...begun(node('train'), node('other'), node('report', ['train'])), started('train')]
  const paused = (by: 'request' | 'pipeline' = 'request'): RunEvent => ({
    type: 'run.paused',
    data: { by, reason: 'x' },
  })

  test('lets what is executed go on, and begins nothing', () => {
    given(...past)
      .when({ type: 'run.pause', data: { reason: 'x' } })
      .records(paused())
    given(...past, paused())
      .when(done('train'))
      .records(succeeded('train'))
    given(...past, paused())
      .when(start('other'))
      .isRefused('paused')
    given(...past, paused())
      .when({ type: 'run.beat-node', data: of('train') })
      .records()
  })

  test('goes on with all that was held back, with new numbers: the work of the old ones is of no use', () => {
    given(...past, paused(), succeeded('train'))
      .when({ type: 'run.resume', data: {} })
      .records({ type: 'run.resumed', data: { by: 'request' } }, scheduled('other', 2), scheduled('report'))
    given(...past, paused(), { type: 'run.resumed', data: { by: 'request' } }, scheduled('other', 2))
      .when(start('other', 1))
      .isRefused('old-attempt')
  })

  test('tries again what broke meanwhile once it is resumed, and not before', () => {
    const retry = { times: 1, delay: 1000, factor: 1, most: 1000 }
    const set: RunEvent = {
      type: 'run.node-retry-set',
      data: { part: 'root/train', attempt: 2, tries: 1, of: 1, delay: 1000 },
    }
    const before = [...begun(node('train', [], { retry })), started('train'), paused(), failed('train'), set]
    given(...before)
      .when({ type: 'run.retry-node', data: { part: 'root/train', attempt: 2 } })
      .records()
    given(...before)
      .when({ type: 'run.resume', data: {} })
      .records({ type: 'run.resumed', data: {} }, scheduled('train', 2))
  })

  test('by its pipeline is resumed with that, and by both once both have let go', () => {
    given(...past, paused('pipeline'))
      .when({ type: 'run.resume', data: {} })
      .isRefused('pipeline-paused')
    given(...past, paused(), paused('pipeline'))
      .when({ type: 'run.let-go', data: {} })
      .records({ type: 'run.resumed', data: { by: 'pipeline' } })
    given(...past, paused())
      .when({ type: 'run.pause', data: { reason: 'y' } })
      .records()
  })

  test('can be cancelled', () => {
    given(...begun(node('a')), paused())
      .when({ type: 'run.cancel', data: { reason: 'enough' } })
      .records(
        { type: 'run.stop-begun', data: {} },
        { type: 'run.node-cancelled', data: {} },
        { type: 'run.cancelled', data: {} },
      )
  })
})

test('a node that is reused is not executed: what is behind it begins at once', () => {
  const events = begun(node('train', [], { reused: 3 }), node('report', ['train']))
  expect(events.slice(1)).toEqual([scheduled('report')])
})

test('an action says where it is, once for each phase', () => {
  const turn: RunCommand = { type: 'run.turn-node', data: { ...of('a'), phase: 'preparing' } }
  const turned = given(...begun(node('a')), started('a')).when(turn)
  turned.records({ type: 'run.node-turned', data: { ...of('a'), phase: 'preparing' } })
  expect(turned.again()).toEqual({ accepted: true, events: [] })
  given(...begun(node('a')))
    .when(turn)
    .isRefused('ended')
})
