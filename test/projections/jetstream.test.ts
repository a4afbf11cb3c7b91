import { expect, test } from 'vitest'
import { openBus } from '#bus/jetstream'
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
