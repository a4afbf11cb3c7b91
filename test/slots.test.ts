import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '#bus/command'
import { openBus } from '#bus/jetstream'
import type { Recorded } from '#contracts/envelope'
import { eventsOf } from './events.ts'
import { startNats } from './nats.ts'
import { millrace, slow, stop, temporaryFolders } from './processes.ts'

const newFolder = temporaryFolders()

/** A server, and hosts of one pipeline on it, each with a folder and a state of its own. */
const opened = async (config: string) => {
  const [nats, folder] = [await startNats(), newFolder()]
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  onTestFinished(async () => {
    await bus.close()
    await nats.stop()
  })
  const host = async (name: string) => {
    const base = join(folder, name)
    mkdirSync(base, { recursive: true })
    const where = ['--nats', nats.url, '--base', base, '--state', join(base, 'state')]
    const started = millrace(['agent', `test/configs/slots/${config}.ts`, '--name', name, ...where], {
      ...{ MILLRACE_TEST_FOLDER: folder, MILLRACE_TEST_HOST: name },
    })
    onTestFinished(async () => void (await stop(started)))
    await started.says(new RegExp(`${name} is ready`))
    return {
      kill: async () => {
        started.child.kill('SIGKILL')
        await once(started.child, 'close')
      },
      stop: () => stop(started),
    }
  }
  const start = () =>
    ask(bus, { address: { aggregate: 'pipeline', scope: config, key: 'self' }, type: 'pipeline.start', data: {} })
  const until = async (is: (events: readonly Recorded[]) => boolean): Promise<void> => {
    while (!is(await eventsOf(bus))) await delay(50)
  }
  const lines = (file: string) => {
    const at = join(folder, file)
    return existsSync(at) ? readFileSync(at, 'utf8').trim().split('\n') : []
  }
  const open = (gate: string) => writeFileSync(join(folder, gate), '')
  return { nats, bus, host, start, until, lines, open }
}

const runOf = ({ address, data }: Recorded): number =>
  address.aggregate === 'run' ? Number(address.key) : (data as { readonly run: number }).run
const of = (type: string) => (events: readonly Recorded[]) => events.filter((one) => one.type === type)

/** How many runs were under way at once, at most, by the facts that say when one begins and ends. */
const mostAtOnce = (events: readonly Recorded[], begins: string, ends: string): number => {
  const under = new Set<number>()
  let most = 0
  for (const event of events) {
    if (event.type === begins) under.add(runOf(event))
    if (event.type === ends) under.delete(runOf(event))
    most = Math.max(most, under.size)
  }
  return most
}

test('three slots are three runs under way at once and never four, also where the host is killed and started again', async () => {
  const { bus, host, start, until, lines, open } = await opened('slots')
  /** Waits until so many executions have begun, and gives their runs. */
  const begun = async (many: number): Promise<readonly number[]> => {
    while (lines('counts').length < many) await delay(20)
    return lines('counts').map((line) => Number(line.split(' ')[0]))
  }
  const first = await host('host')
  const runs = 8
  for (let run = 0; run < runs; run++) await start()
  expect((await begun(3)).toSorted()).toEqual([0, 1, 2])
  open('gate0')
  expect((await begun(4)).at(-1)).toBe(3)
  await first.kill()

  const second = await host('host')
  expect((await begun(7)).slice(4).toSorted()).toEqual([1, 2, 3])
  for (let run = 1; run < runs; run++) open(`gate${run}`)
  await until((events) => of('run.succeeded')(events).length === runs)
  await until((events) => of('pipeline.run-released')(events).length === runs)
  expect(await second.stop()).toBe(0)

  const events = await eventsOf(bus)
  expect(of('pipeline.run-planned')(events).map(runOf)).toEqual(Array.from({ length: runs }, (_, run) => run))
  expect(mostAtOnce(events, 'pipeline.run-planned', 'pipeline.run-released')).toBe(3)
  expect(mostAtOnce(events, 'run.node-started', 'run.node-succeeded')).toBe(3)
  expect(Math.max(...lines('counts').map((line) => Number(line.split(' ')[1])))).toBe(3)
}, 60_000)

test(
  'a host that stays away is replaced by another of its pipeline once its lease has run out, retries and all',
  async () => {
    const { nats, bus, host, start, until, lines, open } = await opened('replicas')
    const hosts = { one: await host('one'), two: await host('two') }
    await start()
    await until((events) => of('run.node-started')(events).length === 1)
    while (lines('journal').length === 0) await delay(20)
    // Half a minute is long for a test: in the short form the server is told otherwise.
    if (!slow) await shorten(nats.url, 8_000)
    const [begun] = of('run.node-started')(await eventsOf(bus))
    const away = (begun?.data as { host: 'one' | 'two' }).host
    const there = away === 'one' ? 'two' : 'one'
    await hosts[away].kill()
    open('break')
    await until((events) => of('run.succeeded')(events).length === 1)

    const events = await eventsOf(bus)
    const executions = of('run.node-started')(events).map(
      ({ data }) => data as { host: string; attempt: number; delivery: number },
    )
    expect(executions.map(({ host, attempt, delivery }) => [host, attempt, delivery])).toEqual([
      [away, 1, 1],
      [there, 1, 2],
      [there, 2, 1],
    ])
    expect(lines('journal')).toEqual([`${away} 1`, `${there} 1`, `${there} 2`])
    const [, taken] = of('run.node-started')(events)
    const waited = Number(taken?.storedAt) - Number(begun?.storedAt)
    expect(waited).toBeGreaterThan(slow ? 25_000 : 5_000)

    // What was away comes back, and finds that nothing is left for it to do.
    const back = await host(away)
    await start()
    await until((events) => of('run.succeeded')(events).length === 2)
    expect(of('run.node-started')(await eventsOf(bus)).filter((one) => runOf(one) === 0)).toHaveLength(3)
    expect(await Promise.all([back.stop(), hosts[there].stop()])).toEqual([0, 0])
  },
  slow ? 180_000 : 90_000,
)

/** Has the server give again what nobody has renewed or ended for so many milliseconds. */
const shorten = async (url: string, milliseconds: number): Promise<void> => {
  const connection = await connect({ servers: url })
  const jsm = await jetstreamManager(connection)
  for await (const {
    config: { name: stream },
  } of jsm.streams.list())
    for await (const { name, config } of jsm.consumers.list(stream))
      if (config.ack_wait === 30_000 * 1e6 && config.durable_name)
        await jsm.consumers.update(stream, name, { ack_wait: milliseconds * 1e6 })
  await connection.close()
}
