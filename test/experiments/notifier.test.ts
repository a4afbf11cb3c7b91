import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'
import { openLocal } from '#agents/local'
import { mailer } from '#agents/notices/mail'
import type { SendNotice } from '#agents/notices/notice'
import { type Notifying, notify } from '#agents/notices/notifier'
import { addressOfPerson } from '#agents/notices/person'
import { webhook } from '#agents/notices/webhook'
import { aborted } from '#bus/abort'
import type { Bus } from '#bus/bus'
import { openBus } from '#bus/jetstream'
import { openOutbox } from '#bus/outbox'
import { knownIn } from '#contracts/all'
import type { NotificationEvent } from '#contracts/notification'
import { withServer } from '../nats.ts'
import { temporaryFolders } from '../processes.ts'
import { listenForMail, listenForPosts } from './listeners.ts'
import { created, initiate, policy, story } from './story.ts'

const nats = withServer()
const newFolder = temporaryFolders()
const until = { timeout: 15_000, interval: 20 }
let count = 0

const openNats = async (principal: string): Promise<Bus> => {
  const bus = await openBus({ url: nats().url, principal })
  onTestFinished(() => bus.close())
  return bus
}

/** Records what happens in a story of its own, each event by who asked for it. */
const recording = async (bus: Bus) => {
  const key = `rover-${++count}`
  const of = story(key)
  const address = { aggregate: 'experiment', scope: 'rover', key }
  let recorded = 0
  const record = async (principal = 'portal') => {
    const events = of.events.slice(recorded).map(({ type, data }, at) => {
      const id = `${key}.${recorded + at}`
      return { id, type, data, version: 1, source: 'portal', time: '', correlationId: id, causationId: id, principal }
    })
    recorded = of.events.length
    const { version } = await bus.read(address)
    await bus.append([{ address, expectedVersion: version, events }])
  }
  of.must('carol', created())
  await record('carol')
  return { of, key, record }
}

const prefer = async (bus: Bus, who: string, ways: { readonly mail?: string; readonly webhook?: string }) => {
  const address = addressOfPerson(who)
  const { version } = await bus.read(address)
  const id = `person-${who}-${++count}`
  const about = { version: 1, source: 'x', time: '', correlationId: id, causationId: id, principal: who }
  const data = { occasions: ['waits-for-me', 'failed', 'finished'], ...ways }
  await bus.append([
    { address, expectedVersion: version, events: [{ ...about, id, type: 'person.preferences-set', data }] },
  ])
}

/** Starts a notifier over what a host keeps on disk, and says how to stop it. */
const start = async (folder: string, ways: Notifying['ways'], more: Partial<Notifying> = {}) => {
  const bus = await openNats('portal')
  const stop = new AbortController()
  const local = openLocal(join(folder, 'host.db'))
  const outbox = openOutbox(local, 'portal')
  const said: string[] = []
  const { signal } = stop
  const log = (_: string, line: string) => void said.push(line)
  const running = Promise.all([
    outbox.send(bus, signal),
    notify({ bus, host: 'portal', local, outbox, ways, signal, log, policy: () => policy, ...more }),
  ])
  running.catch(() => undefined)
  const end = async () => {
    stop.abort()
    await running
    local.close()
    await bus.close()
  }
  onTestFinished(async () => {
    if (!signal.aborted) await end()
  })
  return { end, said, running, outbox }
}

/** How many events the notifier has yet to look at. */
const waiting = async (): Promise<number> => {
  const nc = await connect({ servers: nats().url })
  try {
    const { num_pending, num_ack_pending } = await (await jetstreamManager(nc)).consumers.info('EVENTS', 'notifier')
    return num_pending + num_ack_pending
  } finally {
    await nc.close()
  }
}

/** What was recorded of whom was told of an experiment. */
const factsOf = async (bus: Bus, experiment: string) => {
  const { events } = await bus.read({ aggregate: 'notification', scope: 'rover', key: 'portal' })
  return events.flatMap((recorded) => {
    const event = knownIn<NotificationEvent>(recorded)
    return event?.data.experiment === experiment
      ? [{ type: event.type, causationId: event.causationId, ...event.data }]
      : []
  })
}

test('who waits for something and who owns it are told by mail and by webhook, that is recorded, and a restart tells nobody again', async () => {
  const [bus, folder] = [await openNats('owner'), newFolder()]
  const [{ mails, url: smtp }, { posts, url }] = [await listenForMail(), await listenForPosts()]
  const ways = { mail: mailer({ smtp, from: 'portal@example.org' }), webhook: webhook({ privateHosts: ['127.0.0.1'] }) }
  await prefer(bus, 'carol', { mail: 'carol@example.org' })
  await prefer(bus, 'olga', { mail: 'olga@example.org', webhook: url })
  await prefer(bus, 'oleg', {})
  const first = await start(folder, ways)
  const { of, key, record } = await recording(bus)
  of.must('carol', initiate).take('fetch').take('ship').begin('build')
  await record()
  of.end('build', { outcome: 'failed', reason: 'no such package: numpyy' })
  await record()
  await expect
    .poll(() => mails.map(({ to }) => to[0]).toSorted(), until)
    .toEqual(['carol@example.org', 'olga@example.org'])
  await expect.poll(() => posts.length, until).toBe(1)
  await expect.poll(async () => (await factsOf(bus, key)).length, until).toBe(3)
  const failed = `${key}.${of.events.length - 1}`
  const facts = await factsOf(bus, key)
  expect(facts.map(({ type }) => type)).toEqual(Array(3).fill('notification.sent'))
  for (const fact of facts) expect(fact).toMatchObject({ about: failed, causationId: failed })
  expect(JSON.parse(posts[0]?.body ?? '')).toMatchObject({ to: 'olga', occasion: 'waits-for-me', about: failed })
  const toCarol = mails.find(({ to }) => to[0] === 'carol@example.org')
  expect(toCarol?.header('subject')).toContain(
    `${key}: Building its image has failed at north: no such package: numpyy`,
  )
  await first.end()

  await start(folder, ways)
  const other = await recording(bus)
  other.of.must('carol', initiate).fail('fetch')
  await other.record()
  await expect.poll(async () => (await factsOf(bus, other.key)).length, until).toBe(3)
  expect([mails.length, posts.length, (await factsOf(bus, key)).length]).toEqual([4, 2, 3])
})

test('one that does not answer holds up nobody else, and is told once it answers', async () => {
  const [bus, folder] = [await openNats('owner'), newFolder()]
  const [{ mails, url: smtp }, hook] = [await listenForMail(), await listenForPosts((tries) => (tries > 1 ? 204 : 503))]
  const silent = await listenForPosts(() => undefined)
  const ways = { mail: mailer({ smtp, from: 'portal@example.org' }), webhook: webhook({ privateHosts: ['127.0.0.1'] }) }
  await prefer(bus, 'olga', { webhook: silent.url })
  await prefer(bus, 'oleg', { webhook: hook.url })
  await prefer(bus, 'carol', { mail: 'carol@example.org' })
  const { said } = await start(folder, ways)
  const { of, key, record } = await recording(bus)
  of.must('carol', initiate).fail('fetch')
  await record()
  await expect.poll(() => mails.length, until).toBe(1)
  await expect.poll(() => hook.posts.length, until).toBe(2)
  expect(new Set(hook.posts.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  await expect
    .poll(async () => (await factsOf(bus, key)).map(({ to }) => to).toSorted(), until)
    .toEqual(['carol', 'oleg'])
  expect(silent.posts).toHaveLength(1)
  expect(said).toContainEqual(
    expect.stringMatching(/oleg was not told .* by webhook: .* it answered 503. It is tried again/),
  )
})

test('what could not be sent before the host was stopped is sent when it starts again', async () => {
  const [bus, folder] = [await openNats('owner'), newFolder()]
  const { mails, url: smtp } = await listenForMail()
  await prefer(bus, 'carol', { mail: 'carol@example.org' })
  await prefer(bus, 'olga', {})
  await prefer(bus, 'oleg', {})
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const hanging: SendNotice = async (_, __, signal) => {
    resolve()
    await aborted(signal)
    throw signal.reason
  }
  const first = await start(folder, { mail: hanging })
  const { of, key, record } = await recording(bus)
  of.must('carol', initiate).fail('fetch')
  await record()
  await asked
  await first.end()
  expect(mails).toEqual([])
  await start(folder, { mail: mailer({ smtp, from: 'portal@example.org' }) })
  await expect.poll(() => mails.length, until).toBe(1)
  await expect.poll(async () => (await factsOf(bus, key)).length, until).toBe(1)
})

test('whoever can not be told is recorded with the reason, and is not tried for ever', async () => {
  const [bus, folder] = [await openNats('owner'), newFolder()]
  const { url: smtp } = await listenForMail((to) => (to.startsWith('carol') ? 550 : 450))
  await prefer(bus, 'carol', { mail: 'carol@example.org' })
  await prefer(bus, 'olga', { mail: 'olga@example.org' })
  await start(folder, { mail: mailer({ smtp, from: 'portal@example.org' }) }, { patience: 500 })
  const { of, key, record } = await recording(bus)
  of.must('carol', initiate).fail('fetch')
  await record()
  await expect
    .poll(async () => (await factsOf(bus, key)).map(({ type, to }) => `${to} ${type}`).toSorted(), until)
    .toEqual(['carol notification.failed', 'olga notification.failed'])
  for (const fact of await factsOf(bus, key))
    expect(fact).toMatchObject({ reason: expect.stringMatching(/^The mail server 127.0.0.1:\d+ /) })
})

test('nobody is told of what happened long ago', async () => {
  const [bus, folder] = [await openNats('owner'), newFolder()]
  const { mails, url: smtp } = await listenForMail()
  await prefer(bus, 'carol', { mail: 'carol@example.org' })
  await prefer(bus, 'olga', {})
  let later = 30 * 24 * 3_600_000
  const { of, key, record } = await recording(bus)
  of.must('carol', initiate).fail('fetch')
  await record()
  const now = () => Date.now() + later
  await start(folder, { mail: mailer({ smtp, from: 'portal@example.org' }) }, { now })
  await expect.poll(waiting, until).toBe(0)
  later = 0
  of.must('olga', { type: 'experiment.retry', data: { part: 'portal/self', step: 'fetch' } }).fail('fetch')
  await record()
  await expect.poll(async () => (await factsOf(bus, key)).length, until).toBe(1)
  expect(mails).toHaveLength(1)
})
