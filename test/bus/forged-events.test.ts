import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { encode } from '#bus/message'
import type { Numbered } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import { during, withUsers } from './permitted.ts'
import { fresh, happened, record, until } from './samples.ts'

const { bus, raw } = withUsers([
  { role: 'site', principal: 'mallory', pipeline: 'north' },
  { role: 'portal', principal: 'portal' },
])

type Raw = Awaited<ReturnType<typeof raw>>
type Forged = { readonly address: Address; readonly event: Numbered }

const own = 'events.artifact.p.mallory'
const bucket = 'OBJ_artifacts-mallory'
const chunk = '$O.artifacts-mallory.C.a'

const said = async ({ nc }: Raw, subject: string, body: string, headers?: ReturnType<typeof encode>['headers']) => {
  const answer = (await nc.request(subject, body, { timeout: 5_000, ...(headers && { headers }) })).json<{
    readonly error?: object
  }>()
  expect(answer.error).toBeUndefined()
}

/** A bucket of mallory's own, made otherwise than any host makes it. */
const remake = async (mallory: Raw, more: object) => {
  const config = { name: bucket, subjects: [chunk], storage: 'memory', allow_direct: true, ...more }
  await (await raw('admin')).jsm.streams.delete(bucket).catch(() => undefined)
  await said(mallory, `$JS.API.STREAM.CREATE.${bucket}`, JSON.stringify(config))
}

const head = async () => (await (await raw('admin')).jsm.streams.info('EVENTS')).state.last_seq

/** Ways to have the server put a well-formed event into the log where one may not publish. */
const ways: Readonly<Record<string, (mallory: Raw, forged: Forged) => Promise<void>>> = {
  "read out of facts of one's own": async (mallory, { address, event }) => {
    const { headers, body } = encode(historyOf(address), event)
    headers.delete('Nats-Msg-Id')
    await said(mallory, own, body, headers)
    const asked = JSON.stringify({ last_by_subj: own })
    mallory.nc.publish('$JS.API.DIRECT.GET.EVENTS', asked, { reply: historyOf(address) })
  },
  'republished by a bucket': async (mallory, { address, event }) => {
    await remake(mallory, { republish: { src: chunk, dest: historyOf(address) } })
    const { headers, body } = encode(historyOf(address), event)
    await said(mallory, chunk, body, headers)
  },
  'read out of a bucket that says it lay there': async (mallory, { address, event }) => {
    const subject = historyOf(address)
    const place = (await head()) + 1
    await remake(mallory, { first_seq: place, subject_transform: { src: chunk, dest: subject } })
    const { headers, body } = encode(subject, event)
    await said(mallory, chunk, body, headers)
    mallory.nc.publish(`$JS.API.DIRECT.GET.${bucket}`, JSON.stringify({ seq: place }), { reply: subject })
  },
}

const forgedFor = (): Forged => ({
  address: { aggregate: 'experiment', scope: 'rover', key: fresh() },
  event: { ...happened(fresh()), type: 'experiment.approved', data: {}, principal: 'ada' },
})

describe('an event that the server was made to record', () => {
  test.for(Object.entries(ways))('%s is dropped by every reader', async ([, way], context) => {
    const portal = await bus('portal')
    const forged = forgedFor()
    const [followed, notified, dispatched]: string[][] = [[], [], []]
    const [from, run] = [await portal.head(), during(context)]
    let dropped = 0
    run((signal) =>
      portal.follow(
        { logId: portal.logId, sequence: from },
        (batch) => {
          dropped += batch.dropped
          followed?.push(...batch.events.map(({ id }) => id))
        },
        signal,
      ),
    )
    run((signal) =>
      portal.react('notifier', async ({ events }) => void notified?.push(...events.map(({ id }) => id)), signal),
    )
    run((signal) =>
      portal.react('dispatcher', async ({ events }) => void dispatched?.push(...events.map(({ id }) => id)), signal),
    )
    const admin = await raw('admin')
    await way(await raw('mallory'), forged)
    const lies = () => admin.jsm.streams.getMessage('EVENTS', { last_by_subj: historyOf(forged.address) })
    await until(async () => expect((await lies())?.header.get('ce-id')).toBe(forged.event.id))
    expect((await portal.read(forged.address)).events).toEqual([])
    expect(await portal.last(forged.address)).toBeUndefined()
    const [after] = await record(portal, { ...forged.address, key: fresh() }, [
      { ...happened(), type: 'experiment.approved' },
    ])
    for (const seen of [followed, notified, dispatched]) {
      await until(() => expect(seen).toContain(after.id))
      expect(seen).not.toContain(forged.event.id)
    }
    expect(dropped).toBeGreaterThan(0)
  })

  test('once more, out of the log itself, is not recorded a second time', async () => {
    const [portal, admin, mallory] = [await bus('portal'), await raw('admin'), await raw('mallory')]
    const { config } = await admin.jsm.streams.info('EVENTS')
    await admin.jsm.streams.update('EVENTS', { ...config, duplicate_window: 100_000_000 }) // As if two minutes were over.
    const { address } = forgedFor()
    const approved = () => ({ ...happened(fresh()), type: 'experiment.approved' })
    await record(portal, address, [approved(), approved()])
    await record(portal, address, [approved()])
    await said(mallory, own, '{}')
    const name = fresh()
    const filter_subjects = [historyOf(address), own]
    const consumer = { name, filter_subjects, ack_policy: 'none', deliver_policy: 'all' }
    const body = JSON.stringify({ stream_name: 'EVENTS', config: consumer })
    await said(mallory, '$JS.API.CONSUMER.CREATE.EVENTS', body)
    const last = async () => (await admin.jsm.streams.getMessage('EVENTS', { last_by_subj: own }))?.seq ?? 0
    const before = await last()
    await delay(200) // So that the server has forgotten the ids by now.
    mallory.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${name}`, '9', { reply: 'events.experiment.rover.x' })
    await until(async () => expect(await last()).toBeGreaterThan(before)) // What expects nothing of the log is.
    expect((await portal.read(address)).events.length).toBe(3)
  })
})
