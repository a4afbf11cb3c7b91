import { connect } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Request } from '#bus/bus'
import { inboxOf } from '#bus/permissions'
import { commandOf, commandsTo, queriesTo, queryOf, serviceOf, servicesOf } from '#contracts/subjects'
import { during, withUsers } from './permitted.ts'
import { fresh, until } from './samples.ts'

const { bus, raw, securityOf, url } = withUsers([
  { role: 'site', principal: 'mallory', pipeline: 'north' },
  { role: 'script', principal: 'olga' },
  { role: 'portal', principal: 'portal' },
  { role: 'web', principal: 'web-portal' },
])

type Raw = Awaited<ReturnType<typeof raw>>

const own = 'events.artifact.p.mallory'
const asked = JSON.stringify({ id: 'i', type: 'experiment.submit', key: 'k', data: {} })
const call = async ({ nc }: Raw, subject: string, body: unknown) => {
  const answer = (await nc.request(subject, JSON.stringify(body))).json<{ readonly error?: object }>()
  expect(answer.error).toBeUndefined()
}
const bucketWith = (more: object) => ({
  ...{ name: 'OBJ_artifacts-mallory', subjects: ['$O.artifacts-mallory.C.>', '$O.artifacts-mallory.M.>'] },
  ...{ storage: 'memory', allow_direct: true, ...more },
})

/** Ways to have the server put a message of one's own on a subject where one may not publish. */
const ways: Readonly<Record<string, (mallory: Raw, subject: string) => Promise<void>>> = {
  'a direct read': async (mallory, subject) => {
    await call(mallory, own, JSON.parse(asked))
    mallory.nc.publish('$JS.API.DIRECT.GET.EVENTS', JSON.stringify({ last_by_subj: own }), { reply: subject })
  },
  'a pull': async (mallory, subject) => {
    await call(mallory, own, JSON.parse(asked))
    const name = fresh()
    const config = { name, filter_subject: own, ack_policy: 'none', deliver_policy: 'last' }
    await call(mallory, `$JS.API.CONSUMER.CREATE.EVENTS.${name}`, { stream_name: 'EVENTS', config })
    mallory.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${name}`, '1', { reply: subject })
  },
  'a bucket that republishes': async (mallory, subject) => {
    const config = bucketWith({ republish: { src: '$O.artifacts-mallory.C.a', dest: subject } })
    await call(mallory, '$JS.API.STREAM.CREATE.OBJ_artifacts-mallory', config).catch(() =>
      call(mallory, '$JS.API.STREAM.UPDATE.OBJ_artifacts-mallory', config),
    )
    await mallory.nc.request('$O.artifacts-mallory.C.a', asked)
  },
}

const kinds = {
  command: [commandsTo('experiment', 'rover'), (who: string) => commandOf('experiment', 'rover', 'submit', who)],
  query: [queriesTo('experiments', 'all'), (who: string) => queryOf('experiments', 'all', who)],
  service: [servicesOf('portal', 'results'), (who: string) => serviceOf('portal', 'results', 'list', who)],
} as const

describe('a request that the server was made to put there', { timeout: 10_000 }, () => {
  test.for(
    Object.keys(ways).flatMap((way) => Object.keys(kinds).map((kind) => [way, kind] as const)),
  )('by %s is no %s of whom its subject names', async ([way, kind], context) => {
    const [pattern, subjectOf] = kinds[kind as keyof typeof kinds]
    const serving = await bus(kind === 'query' ? 'web-portal' : 'portal')
    const got: Request[] = []
    during(context)((signal) => serving.serve(pattern, async (request) => void got.push(request), signal))
    const olga = await bus('olga')
    await until(async () => expect(await olga.request(subjectOf('olga'), 'genuine')).toBeNull())
    const admin = await raw('admin')
    // Whoever is beside those who serve sees that it came.
    const seen = (async () => {
      for await (const message of admin.nc.subscribe(pattern, { max: 1 })) return message
    })()
    await admin.nc.flush()
    const mallory = await raw('mallory')
    await ways[way]?.(mallory, subjectOf('olga'))
    expect((await seen)?.string()).toBe(asked)
    await olga.request(subjectOf('olga'), 'after it')
    expect(got.map(({ principal, body }) => [principal, body])).toEqual([
      ['olga', 'genuine'],
      ['olga', 'after it'],
    ])
  })
})

test('whoever serves answers nobody where only others listen, and tells clients that await answers elsewhere', async (context) => {
  const portal = await bus('portal')
  const told: unknown[] = []
  during(context)((signal) => portal.serve(commandsTo('experiment', 'rover'), async () => told.push('taken'), signal))
  const subject = commandOf('experiment', 'rover', 'submit', 'admin')
  const nc = await connect({ servers: url(), authenticator: securityOf('admin').authenticator })
  context.onTestFinished(() => nc.close())
  const victim = nc.subscribe(`${inboxOf('olga')}.>`, { callback: (_, message) => void told.push(message.subject) })
  await nc.flush()
  nc.publish(subject, '{}', { reply: `${inboxOf('olga')}.x` })
  const answer = (await nc.request(subject, '{}')).json()
  expect(answer).toMatchObject({ fault: { message: expect.stringContaining('awaited below _INBOX_admin') } })
  expect(told).toEqual([])
  victim.unsubscribe()
})
