import { expect, onTestFinished, test } from 'vitest'
import { executor } from '#agents/pipelines/executor'
import type { openRunners } from '#agents/pipelines/runners'
import type { Scheduled } from '#agents/pipelines/scheduled'
import type { Nodes } from '#agents/pipelines/services'
import { memoryHub } from '#bus/memory'

test('a result waits for nobody who would only hear at what its node was last', async () => {
  const bus = memoryHub().connect('host')
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const runners: ReturnType<typeof openRunners> = {
    execute: async (_, { turned }) => {
      turned('cleaning-up') // The owner of the run is away, and stays so.
      return { outcome: 'succeeded' }
    },
  }
  const quiet = () => undefined
  const nodes = { bus, stores: new Map(), clients: new Map() } as unknown as Nodes
  const execute = executor({ runners, nodes, part: 'p/a', log: quiet, say: quiet, signal: stop.signal })
  const address = { aggregate: 'run', scope: 'p', key: '0' }
  const event = { id: 'x', correlationId: 'x', address, data: { part: 'p/a', attempt: 1 } } as Scheduled
  const execution = { part: 'p/a', attempt: 1, delivery: 1, instance: 'one' }
  expect(await execute(event, execution, stop.signal)).toEqual({ outcome: 'succeeded' })
})
