import { PermissionViolationError } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { withUsers } from '../bus/permitted.ts'
import { fresh, happened, record, runOf, until } from '../bus/samples.ts'

const { bus, raw } = withUsers([
  { role: 'site', principal: 'north', pipeline: 'north', agents: ['one', 'two'] },
  { role: 'site', principal: 'south', pipeline: 'south', agents: ['three'] },
  { role: 'end-node', principal: 'rover-one', pipeline: 'north', agents: ['one'] },
])

test.each([
  'site-server',
  'deliver-one',
  'collect-two',
  'run-two',
])('a site server takes the steps of %s', async (agent) => {
  const [north, admin] = [await bus('north'), await bus('admin')]
  const [event] = await record(admin, runOf('north', fresh()), [happened()])
  const taken: string[] = []
  const stop = new AbortController()
  const handle = async (work: { readonly event: { readonly id: string }; readonly done: () => Promise<void> }) => {
    taken.push(work.event.id)
    await work.done()
  }
  const taking = north.take('north', agent, handle, { concurrency: 1, signal: stop.signal })
  await admin.put([{ where: 'north', agent, event }])
  await until(() => expect(taken).toEqual([event.id]))
  stop.abort()
  await taking
})

test.each([
  'north',
  'rover-one',
])("%s neither fetches nor ends another site's work, whatever consumer it names", async (who) => {
  const admin = await raw('admin')
  const consumer = {
    durable_name: 'south=site-server',
    filter_subject: 'work.south.site-server.*',
    ack_policy: 'explicit',
  }
  await admin.jsm.consumers.add('WORK', consumer as never)
  const { nc } = await raw(who)
  for (const subject of [
    '$JS.API.CONSUMER.MSG.NEXT.WORK.south=site-server',
    '$JS.API.CONSUMER.INFO.WORK.south=site-server',
    '$JS.API.CONSUMER.CREATE.WORK.south=site-server.work.south.site-server.*',
    '$JS.ACK.WORK.south=site-server.1.1.1.1.0',
    'dead.south.site-server.x',
    'logs.rover.x.south.self',
  ]) {
    const denied = await nc.request(subject, '1').catch((cause: Error) => cause.cause ?? cause)
    expect([subject, denied]).toEqual([subject, expect.any(PermissionViolationError)])
  }
})
