import { describe, expect, test } from 'vitest'
import type { Request } from '#bus/bus'
import { faults } from '#bus/fault'
import { commandOf, commandsTo, queryOf, serviceOf } from '#contracts/subjects'
import { fresh, type Open, until, withConnections } from './samples.ts'

/** Questions and answers between those who are there, and who that is. */
export const carriesRequests = (open: Open) =>
  describe('requests', () => {
    const { connect, run } = withConnections(open)
    const askingOf = (scope: string, principal: string) => commandOf('run', scope, 'start', principal)

    test('reach whoever serves the subject, and bring back the answer', async () => {
      const [asker, owner] = [await connect('ann'), await connect('owner')]
      const scope = fresh()
      const got: Request[] = []
      run((signal) =>
        owner.serve(
          commandsTo('run', scope),
          async (request) => {
            got.push(request)
            return { said: request.body }
          },
          signal,
        ),
      )
      const subject = askingOf(scope, 'ann')
      await until(async () => expect(await asker.request(subject, { n: [1] })).toEqual({ said: { n: [1] } }))
      expect(got).toEqual([{ subject, principal: 'ann', onBehalfOf: undefined, body: { n: [1] } }])
    })

    test('carry a trace context, and nothing that is none', async () => {
      const [asker, owner] = [await connect('ann'), await connect('owner')]
      const scope = fresh()
      run((signal) => owner.serve(commandsTo('run', scope), async ({ traceparent }) => traceparent, signal))
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const subject = askingOf(scope, 'ann')
      await until(async () => expect(await asker.request(subject, {}, { traceparent })).toBe(traceparent))
      expect(await asker.request(subject, {}, { traceparent: 'made up' })).toBeNull()
    })

    test('fail at once where nobody serves', async () => {
      const bus = await connect('ann')
      const before = performance.now()
      await expect(bus.request(askingOf(fresh(), 'ann'), {})).rejects.toMatchObject({ code: 'bus.no-owner' })
      expect(performance.now() - before).toBeLessThan(2000)
    })

    test.each([
      [
        queryOf('runs', 'lab', 'cli'),
        'the metadata of lab: the web process that keeps it',
        'millrace up, or millrace web',
      ],
      [
        commandOf('pipeline', 'lab', 'start', 'cli'),
        'the pipeline lab: the host that owns it',
        'millrace up, or millrace agent',
      ],
      [serviceOf('p', 's', 'list', 'cli'), 'p/s: the host that keeps it', 'millrace up, or millrace agent'],
    ])('say who is missing where nobody serves, and what to start: %s', async (subject, who, what) => {
      const { message } = await (await connect()).request(subject, {}).then(
        () => expect.unreachable(),
        (cause: Error) => cause,
      )
      expect(message).toContain(`Nobody answers for ${who} is not running. Start it with: ${what}`)
      expect(message).not.toMatch(/queries|commands|services|cli/)
    })

    test('fail where the answer takes too long', async () => {
      const bus = await connect('ann')
      const scope = fresh()
      const { promise: never, resolve } = Promise.withResolvers<void>()
      run((signal) => bus.serve(commandsTo('run', scope), () => never, signal))
      const asking = () => bus.request(askingOf(scope, 'ann'), {}, { timeout: 100 })
      await until(() => expect(asking()).rejects.toMatchObject({ code: 'bus.timeout' }))
      resolve()
    })

    test('bring a fault back with its code, and an exception with its message', async () => {
      const bus = await connect('ann')
      const scope = fresh()
      const answer = async ({ body }: Request) => {
        if (body === 'fault') throw faults.contended('a run', 3)
        if (body === 'exception') throw new Error('the disk is full')
      }
      run((signal) => bus.serve(commandsTo('run', scope), answer, signal))
      const ask = (body: string) => bus.request(askingOf(scope, 'ann'), body)
      await until(async () => expect(await ask('nothing')).toBeNull())
      await expect(ask('fault')).rejects.toMatchObject({ code: 'bus.contended', message: /3 times/ })
      await expect(ask('exception')).rejects.toMatchObject({ code: 'bus.broken', message: 'the disk is full' })
    })

    test('name another asker only where the web server asks', async () => {
      const bus = await connect()
      const scope = fresh()
      const answer = async ({ principal, onBehalfOf }: Request) => [principal, onBehalfOf ?? null]
      run((signal) => bus.serve(commandsTo('run', scope), answer, signal))
      const ask = async (principal: string) =>
        (await connect(principal)).request(askingOf(scope, principal), {}, { onBehalfOf: 'ann' })
      await until(async () => expect(await ask('web-root')).toEqual(['web-root', 'ann']))
      expect(await ask('eve')).toEqual(['eve', null])
      expect(await ask('webby')).toEqual(['webby', null])
    })

    test('go to one of several who serve, and to nobody once all have stopped', async () => {
      const [a, b] = [await connect('ann'), await connect()]
      const scope = fresh()
      const answered: string[] = []
      const answerAs = (name: string) => async () => void answered.push(name)
      const servers = [a, b].map((bus, at) =>
        run((signal) => bus.serve(commandsTo('run', scope), answerAs(`${at}`), signal)),
      )
      await until(() => a.request(askingOf(scope, 'ann'), {}))
      answered.length = 0
      for (let n = 0; n < 10; n++) await a.request(askingOf(scope, 'ann'), {})
      expect(answered).toHaveLength(10)
      await Promise.all(servers.map(({ stop }) => stop()))
      await expect(a.request(askingOf(scope, 'ann'), {})).rejects.toMatchObject({ code: 'bus.no-owner' })
    })

    test('that are being answered are answered before a server ends', async () => {
      const bus = await connect('ann')
      const scope = fresh()
      const { promise: held, resolve: let_go } = Promise.withResolvers<void>()
      const { promise: asked, resolve: reached } = Promise.withResolvers<void>()
      const server = run((signal) =>
        bus.serve(
          commandsTo('run', scope),
          async ({ body }) => {
            if (body === 'there?') return 'yes'
            reached()
            await held
            return 'late'
          },
          signal,
        ),
      )
      await until(() => bus.request(askingOf(scope, 'ann'), 'there?'))
      const answer = bus.request(askingOf(scope, 'ann'), 'wait')
      await asked
      const stopped = server.stop()
      let_go()
      expect(await answer).toBe('late')
      await stopped
    })
  })

/** Names of hosts: one instance holds one. */
export const knowsWhoIsThere = (open: Open) =>
  describe('presence', () => {
    const { connect, run } = withConnections(open)
    const hostOf = (host: string, instance: string) => ({ host, instance, machine: 'm1', nodes: ['p/a', 'p/b'] })

    test('refuses a second instance of a name, and lets the same one take it again', async () => {
      const [a, b] = [await connect(), await connect()]
      const host = fresh()
      const stop = new AbortController()
      const { gone } = await a.appear(hostOf(host, 'one'), stop.signal)
      await expect(b.appear(hostOf(host, 'two'), stop.signal)).rejects.toMatchObject({ code: 'host.twin' })
      const again = await b.appear(hostOf(host, 'one'), stop.signal)
      stop.abort()
      await Promise.all([gone, again.gone])
    })

    test('refuses the same instance on another machine: its folder was copied there', async () => {
      const [here, there] = [await connect('here'), await connect('there')]
      const host = fresh()
      const stop = new AbortController()
      const { gone } = await here.appear(hostOf(host, 'one'), stop.signal)
      const copied = there.appear({ ...hostOf(host, 'one'), machine: 'm2' }, stop.signal)
      await expect(copied).rejects.toMatchObject({ code: 'host.twin' })
      stop.abort()
      await gone
    })

    test('lets one of two instances have a name that both want', async () => {
      const [a, b] = [await connect(), await connect()]
      const host = fresh()
      const stop = new AbortController()
      const race = await Promise.allSettled([
        a.appear(hostOf(host, 'one'), stop.signal),
        b.appear(hostOf(host, 'two'), stop.signal),
      ])
      expect(race.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      stop.abort()
      for (const outcome of race) if (outcome.status === 'fulfilled') await outcome.value.gone
    })

    test('leaves nobody out who makes itself heard just then', async () => {
      const bus = await connect()
      const names = Array.from({ length: 4 }, fresh).toSorted()
      const ending = new AbortController()
      const stay = await Promise.all(names.map((host) => bus.appear(hostOf(host, 'one'), ending.signal)))
      const beating = new AbortController()
      const beats = names.map(async (host) => {
        while (!beating.signal.aborted) await bus.appear(hostOf(host, 'one'), ending.signal) // Its own entry is written anew.
      })
      const beaten = Promise.all(beats)
      beaten.catch(() => undefined) // It is heard below, where that is not too late.
      // Each of them beats by itself, too, after five seconds: then they would get in each other's way.
      const until = performance.now() + 4_000
      for (let look = 0; look < 200 && performance.now() < until; look++) {
        const there = (await bus.present()).map(({ host }) => host)
        expect(there.filter((host) => names.includes(host))).toEqual(names)
      }
      beating.abort()
      await beaten
      ending.abort()
      await Promise.all(stay.map(({ gone }) => gone))
    })

    test('lists who is there, and frees the name of who has gone', async () => {
      const bus = await connect()
      const host = fresh()
      const [first, second] = [new AbortController(), new AbortController()]
      const before = Date.now()
      const { gone } = await bus.appear(hostOf(host, 'one'), first.signal)
      const [found] = (await bus.present()).filter((presence) => presence.host === host)
      expect(found).toEqual({ ...hostOf(host, 'one'), seenAt: found?.seenAt })
      expect(found?.seenAt).toBeGreaterThanOrEqual(before - 1)
      first.abort()
      await gone
      expect((await bus.present()).map((presence) => presence.host)).not.toContain(host)
      const next = await bus.appear(hostOf(host, 'two'), second.signal)
      expect((await bus.present()).map((presence) => presence.host)).toContain(host)
      second.abort()
      await next.gone
    })

    test('ends for good with the connection', async () => {
      const bus = await connect()
      expect(bus.connected()).toBe(true)
      const serving = run((signal) => bus.serve(commandsTo('run', fresh()), async () => null, signal))
      const following = run((signal) => bus.follow({ logId: bus.logId, sequence: 0 }, () => undefined, signal))
      const reacting = run((signal) => bus.react(fresh(), async () => undefined, signal))
      const taking = run((signal) => bus.take(fresh(), 'a', async () => undefined, { concurrency: 1, signal }))
      const waiting = run((signal) => bus.timers(fresh(), async () => undefined, signal))
      const { gone } = await bus.appear(hostOf(fresh(), 'one'), new AbortController().signal)
      await bus.close()
      expect(await bus.closed).toBeUndefined()
      expect(bus.connected()).toBe(false)
      await Promise.all([serving, following, reacting, taking, waiting].map(({ ended }) => ended))
      await gone
    })
  })
