import { expect, test } from 'vitest'
import { handlesFor } from '#agents/pipelines/handles-for'
import type { MetadataHandle } from '#agents/pipelines/handles-metadata'
import { fireOnMetrics } from '#agents/pipelines/metric-condition'
import { pipelineDecider } from '#agents/pipelines/pipeline'
import type { Scheduled } from '#agents/pipelines/scheduled'
import { servicesFor } from '#agents/pipelines/services'
import type { MetricTrigger } from '#agents/pipelines/shape'
import { ownerOf } from '#bus/handle'
import { memoryHub } from '#bus/memory'
import type { Recorded } from '#contracts/envelope'
import type { Graph } from '#contracts/pipeline'
import { teller } from '../projections/story.ts'
import { eventually, storeOnDisk } from './on-disk.ts'

const graphOf = (pipeline: string): Graph => ({
  pipeline,
  nodes: [{ name: 'meta', kind: 'metadata-store', after: [], next: [], path: 'metadata.db', condition: true }],
})

/** An execution in a run of `trainer`, with clients of other pipelines' metadata stores; and conditions that can look. */
const logging = async (part = 'trainer/fit') => {
  const hub = memoryHub({ logId: 'log' })
  const { bus, local, store, outbox, signal } = await storeOnDisk('trainer/notes', { hub })
  const story = teller(hub.connect('teller'))
  for (const pipeline of ['trainer', 'promoter', 'other']) await story.define(graphOf(pipeline))
  const defined = (await bus.last({ aggregate: 'pipeline', scope: 'trainer', key: 'self' })) as Recorded
  const address = { aggregate: 'run', scope: 'trainer', key: '0' }
  const scheduled = { ...defined, address, type: 'run.node-scheduled', data: { part, attempt: 1 } } as Scheduled
  const stands = { meta: 'trainer/meta', promoter: 'promoter/meta', other: 'other/meta', nowhere: 'nowhere/meta' }
  const nodes = {
    ...{ bus, outbox, stores: new Map([['notes', store]]), sources: new Map(), clients: new Map() },
    metadata: new Map(Object.entries(stands)),
  }
  const warnings: string[] = []
  const execution = { part, attempt: 1, delivery: 1, instance: 'here' }
  const warn = (message: string) => void warnings.push(message)
  const ask = servicesFor(nodes, scheduled, execution, () => undefined, warn)
  const doing: Promise<unknown>[] = []
  const handles = handlesFor(
    (node, verb, args) => ask(node, verb, args, signal) as Promise<never>,
    (one) => void doing.push(one),
  )
  const handle = (node: keyof typeof stands) =>
    handles(node, { kind: 'metadata-client', of: stands[node] }) as MetadataHandle
  /** What has been noted, without what says who did. */
  const noted = async () => {
    await Promise.all(doing)
    await outbox.flushed()
    const [scope = '', key = ''] = part.split('/')
    const { events } = await bus.read({ aggregate: 'tracking', scope, key })
    return events.map(({ data }) => {
      const { by, ...said } = data as { readonly by: object }
      expect(by).toEqual({ run: 'trainer/0', part, attempt: 1 })
      return said
    })
  }
  /** Why runs of a pipeline were asked for by numbers that were logged. */
  const asked = (pipeline: string, trigger: MetricTrigger) => {
    const owner = ownerOf(bus, pipelineDecider)
    const about = { bus, owner, pipeline, trigger, local, say: () => undefined, signal }
    void fireOnMetrics(about).catch(() => undefined)
    return async () =>
      (await owner.current({ aggregate: 'pipeline', scope: pipeline, key: 'self' })).state.requests.map(
        ({ message }) => message,
      )
  }
  return { handle, noted, asked, warnings }
}

const good: MetricTrigger = ({ metric: { key, value, run } }) => value > 0.5 && { start: `${key} ${value} of ${run}` }

test('what is logged through a client of another pipeline’s metadata is of that pipeline, and starts its runs', async () => {
  const { handle, noted, asked } = await logging()
  const [promoter, trainer, other] = ['promoter', 'trainer', 'other'].map((pipeline) => asked(pipeline, good))
  await handle('meta').logMetric('accuracy', 0.8)
  await handle('promoter').logMetric('accuracy', 0.9, { step: 3 })
  await handle('meta').logMetric('accuracy', 0.7)
  await handle('promoter').logParam('rate', 1)
  await handle('promoter').tag('kind', 'test')
  const all = await noted()
  expect(all).toHaveLength(5)
  expect(all).toEqual(
    expect.arrayContaining([
      { key: 'accuracy', value: 0.8, run: 'trainer/0' },
      { key: 'accuracy', value: 0.7, run: 'trainer/0' },
      { key: 'accuracy', value: 0.9, step: 3, pipeline: 'promoter' },
      { key: 'rate', value: 1, pipeline: 'promoter' },
      { key: 'kind', value: 'test', pipeline: 'promoter' },
    ]),
  )
  await eventually(async () => (await trainer?.())?.length === 2 && (await promoter?.())?.length === 1)
  expect(await trainer?.()).toEqual(['accuracy 0.8 of trainer/0', 'accuracy 0.7 of trainer/0'])
  expect(await promoter?.()).toEqual(['accuracy 0.9 of null'])
  expect(await other?.()).toEqual([])
})

test('what a node of another pipeline logs through its client of the run’s metadata is of the run', async () => {
  const { handle, noted, warnings } = await logging('other/checks')
  await handle('meta').logMetric('accuracy', 0.8)
  await handle('other').logParam('rate', 1)
  expect(await noted()).toEqual([
    { key: 'rate', value: 1, run: 'trainer/0' },
    { key: 'accuracy', value: 0.8, run: 'trainer/0' },
  ])
  expect(warnings).toEqual([])
})

test('of a pipeline that nobody has defined, whoever logs about it is warned once', async () => {
  const { handle, noted, warnings } = await logging()
  for (const value of [1, 2]) await handle('nowhere').logParam('rate', value)
  await handle('promoter').logParam('rate', 3)
  expect(await noted()).toMatchObject([{ pipeline: 'nowhere' }, { pipeline: 'nowhere' }, { pipeline: 'promoter' }])
  expect(warnings).toEqual(['Nobody has defined a pipeline nowhere: what is logged about it starts no run'])
})
