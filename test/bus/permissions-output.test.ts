import { headers, PermissionViolationError } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import type { Bus, Printed } from '#bus/bus'
import { historyOf, logOf, probeLog } from '#contracts/subjects'
import { executionOf, readAll, saying, textsOf } from './conformance-output.ts'
import { during, everybody, withUsers } from './permitted.ts'
import { fresh, until } from './samples.ts'

const { bus, raw } = withUsers(everybody)

const printAs = (of: Bus, part: string, scope = fresh()) => of.print({ ...executionOf(scope), part }, saying('x'))
const readLive = (of: Bus) =>
  of.printed({ scope: 'r', key: '1' }, () => undefined, { live: true, signal: AbortSignal.timeout(9000) })

describe('may print', () => {
  test.each([
    ['trainer', 'p/train'],
    ['scorer', 'p/score'],
    ['hub', 'p/train'],
    ['hub', 'p/score'],
    ['anywhere', 'x/y'],
  ])('%s as %s, in whatever run it works for', async (who, part) => {
    const [printer, admin] = [await bus(who), await bus('admin')]
    const scope = fresh()
    await printAs(printer, part, scope)
    expect(await readAll(admin, { scope, key: '17' })).toMatchObject([{ part, lines: saying('x') }])
  })
})

describe('may read what was printed, as it is and as it comes:', () => {
  test.for(['hub', 'anywhere', 'web-hub', 'ann'])('%s', async (who, context) => {
    const run = during(context)
    const [reader, trainer] = [await bus(who), await bus('trainer')]
    const scope = fresh()
    const got: Printed[] = []
    run((signal) => reader.printed({ scope, key: '17' }, (some) => got.push(...some), { live: true, signal }))
    await printAs(trainer, 'p/train', scope)
    await until(() => expect(textsOf(got)).toEqual(['x']))
    expect(await readAll(reader, { scope, key: '17', part: 'p/train' })).toEqual(got)
  })
})

const denied: Readonly<Record<string, readonly [who: string, attempt: (of: Bus) => Promise<unknown>]>> = {
  'a worker as another agent': ['trainer', (of) => printAs(of, 'p/score')],
  'a worker as an agent of that name in another pipeline': ['trainer', (of) => printAs(of, 'q/train')],
  'a worker, to read': ['trainer', (of) => readAll(of, { scope: 'r', key: '1' })],
  'a worker, to read even its own': ['trainer', (of) => readAll(of, { scope: 'r', key: '1', part: 'p/train' })],
  'a worker, to read what comes': ['trainer', readLive],
  'a host as an agent that it does not run': ['hub', (of) => printAs(of, 'p/other')],
  'a host as an agent of another pipeline': ['hub', (of) => printAs(of, 'q/train')],
  'an owner as an agent of its pipeline': ['owner', (of) => printAs(of, 'p/train')],
  'an owner, to read': ['owner', (of) => readAll(of, { scope: 'r', key: '1' })],
  'an owner, to read what comes': ['owner', readLive],
  'a web process as an agent': ['web-hub', (of) => printAs(of, 'p/train')],
  'a script as an agent': ['ann', (of) => printAs(of, 'p/train')],
  'a script as itself': ['ann', (of) => printAs(of, 'p/ann')],
}

describe('is denied output, at once and with a sentence:', () => {
  test.each(Object.entries(denied))('%s', async (_, [who, attempt]) => {
    const one = await bus(who)
    const begun = performance.now()
    await expect(attempt(one)).rejects.toMatchObject({
      code: 'bus.denied',
      message: expect.stringMatching(/^This principal may not (?:publish|read) logs\..*\. See: millrace permissions$/),
    })
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

type Raw = Awaited<ReturnType<typeof raw>>

/** What no bus would try, past the bus. */
const forbidden: Readonly<Record<string, readonly [who: string, attempt: (of: Raw) => Promise<unknown>]>> = {
  'a worker prints under more names': ['trainer', ({ nc }) => nc.request('logs.r.1.p.train.more', '')],
  'a worker prints under fewer names': ['trainer', ({ nc }) => nc.request('logs.r.1.train', '')],
  'a worker writes as an examination does': ['trainer', ({ nc }) => nc.request(probeLog, '')],
  'a worker reads a message': ['trainer', ({ jsm }) => jsm.streams.getMessage('LOGS', { seq: 1 })],
  'a worker reads a replica': ['trainer', ({ jsm }) => jsm.direct.getMessage('LOGS', { seq: 1 })],
  'a worker makes a consumer': ['trainer', ({ jsm }) => consumerOf(jsm, 'logs.*.*.p.train')],
  'a worker fetches from a consumer': ['trainer', ({ nc }) => nc.request('$JS.API.CONSUMER.MSG.NEXT.LOGS.x', '1')],
  'a worker deletes a consumer': ['trainer', ({ jsm }) => jsm.consumers.delete('LOGS', 'x')],
  'a script makes a consumer of all': ['ann', ({ jsm }) => consumerOf(jsm)],
  'a script makes a consumer of what is no output': ['ann', ({ jsm }) => consumerOf(jsm, 'logs.>')],
  'a script purges output': ['ann', ({ jsm }) => jsm.streams.purge('LOGS')],
  'a script deletes a message': ['ann', ({ jsm }) => jsm.streams.deleteMessage('LOGS', 1)],
  'a host purges output': ['hub', ({ jsm }) => jsm.streams.purge('LOGS')],
}

const consumerOf = (jsm: Raw['jsm'], filter_subject?: string) =>
  jsm.consumers.add('LOGS', { name: 'x', ack_policy: 'none', ...(filter_subject && { filter_subject }) })

describe('past its bus, is denied that', () => {
  test.each(Object.entries(forbidden))('%s', async (_, [who, attempt]) => {
    const reason = await attempt(await raw(who)).then(
      () => expect.fail('it was allowed'),
      (thrown: Error) => thrown,
    )
    expect(reason.cause instanceof PermissionViolationError ? reason.cause : reason).toBeInstanceOf(
      PermissionViolationError,
    )
  })
})

test('what a worker has the server read out as the output of another is passed over', async () => {
  const [admin, { nc }] = [await bus('admin'), await raw('trainer')]
  const of = { ...executionOf(fresh()), part: 'p/score' }
  const h = headers()
  h.set('Millrace-Attempt', '1')
  h.set('Millrace-Delivery', '1')
  const own = historyOf({ aggregate: 'tracking', scope: 'p', key: 'train' })
  const forged = await nc.request(own, JSON.stringify(saying('forged')), { headers: h, timeout: 5000 })
  const { jsm } = await raw('admin')
  const before = (await jsm.streams.info('LOGS')).state.last_seq
  nc.publish('$JS.API.DIRECT.GET.EVENTS', JSON.stringify({ seq: forged.json<{ seq: number }>().seq }), {
    reply: logOf(of.scope, of.key, of.part),
  })
  await until(async () => expect((await jsm.streams.info('LOGS')).state.last_seq).toBe(before + 1))
  expect(await readAll(admin, of)).toEqual([])
})
