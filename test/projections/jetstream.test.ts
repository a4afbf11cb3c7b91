import { expect, test } from 'vitest'
import { uuidv7 } from '#bus/command'
import { openBus } from '#bus/jetstream'
import { connect } from '#client/connect'
import { answerQueries } from '#projections/answer-queries'
import type { Page } from '#projections/view'
import { withServer } from '../nats.ts'
import { leafGraph, rootGraph, teller, watching } from './story.ts'

const nats = withServer()

test('a projection goes on over a server that was killed, and misses nothing', async () => {
  const bus = await openBus({ url: nats().url, principal: 'web-test' })
  const story = teller(bus)
  await story.define(rootGraph)
  await story.define(leafGraph)
  const { viewer, follower, caughtUp, end } = await watching(bus)
  await story.wholeRun(0)
  await caughtUp()
  await nats().kill()
  await nats().start()
  await story.wholeRun(1)
  await follower.waitFor(`${bus.logId}.${await bus.head()}`, 15_000)
  expect(((await viewer.ask('runs', {})).value as Page).items).toMatchObject([
    { run: 'root/1', state: 'succeeded' },
    { run: 'root/0', state: 'succeeded' },
  ])
  await follower.rebuild()
  expect(((await viewer.ask('metrics', {})).value as Page).items).toHaveLength(2)
  await end()
  await bus.close()
})

test('a script reads more metrics than one message holds', async () => {
  const bus = await openBus({ url: nats().url, principal: 'web-many' })
  const address = { aggregate: 'tracking', scope: 'many', key: 'script' }
  for (let batch = 0; batch < 6; batch++) {
    const events = Array.from({ length: 1000 }, (_, i) => {
      const id = uuidv7()
      const about = { source: 's', time: new Date(0).toISOString(), correlationId: id, causationId: id, principal: 's' }
      return { id, type: 'tracking.metric-logged', version: 1, ...about, data: { key: 'loss', value: i } }
    })
    await bus.append([{ address, expectedVersion: 'any', events }])
  }
  const { viewer, caughtUp, end } = await watching(bus)
  await caughtUp()
  const stop = new AbortController()
  const served = answerQueries(bus, viewer, ['many'], stop.signal)
  const script = await connect({ url: nats().url })
  expect(await script.query('many', 'metrics')).toHaveLength(6_000)
  expect(await script.query('many', 'metrics', { limit: 5 })).toMatchObject({ items: { length: 5 } })
  await script.close()
  stop.abort()
  await served
  await end()
  await bus.close()
})
