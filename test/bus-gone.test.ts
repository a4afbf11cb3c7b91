import { hash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '#bus/command'
import { openBus } from '#bus/jetstream'
import type { RunEvent } from '#contracts/run'
import { queryOf } from '#contracts/subjects'
import { eventsOf } from './events.ts'
import { startNats } from './nats.ts'
import { freePort, millrace, slow, stop, temporaryFolders } from './processes.ts'

const newFolder = temporaryFolders()

/** How long the bus is away, in milliseconds. */
const away = slow ? 600_000 : 8_000

/** How much is downloaded when the bus goes, in bytes: enough that this takes a while. */
const large = 96 * 1024 * 1024

const until = async (look: () => Promise<boolean> | boolean, every = 50): Promise<void> => {
  while (!(await look())) await delay(every)
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/** What a run has recorded, as it is told apart by type. */
const told = async (bus: Awaited<ReturnType<typeof openBus>>, run: number): Promise<RunEvent[]> => {
  const { events } = await bus.read({ aggregate: 'run', scope: 'root_pipeline', key: String(run) })
  return events.map(({ type, data }) => ({ type, data }) as RunEvent)
}

const has = (events: readonly RunEvent[], type: RunEvent['type'], part?: string): boolean =>
  events.some((one) => one.type === type && (part === undefined || ('part' in one.data && one.data.part === part)))

/** What the first files say: what their runs are to do, each in its turn. */
const orders = ['waits for the return', 'waits for the gap', 'is large', 'breaks once']

test(
  'a bus that goes away in the middle of everything: what ran has run once, what waits goes on, and nothing is lost',
  async () => {
    const [nats, folder] = [await startNats(), newFolder()]
    const env = { MILLRACE_TEST_FOLDER: folder }
    const where = ['--nats', nats.url, '--state', join(folder, 'state')]
    const up = millrace(
      ['up', 'test/configs/bus-gone/root.ts', ...where, '--base', folder, '--port', String(await freePort())],
      env,
    )
    const leaf = millrace(
      ['agent', 'test/configs/bus-gone/leaf.ts', ...where, '--name', 'leaf', '--base', join(folder, 'leaf')],
      env,
    )
    onTestFinished(async () => {
      await Promise.all([stop(up), stop(leaf)])
      await nats.stop()
    })
    await Promise.all([up.says(/Ctrl-C stops/), leaf.says(/leaf is ready/)])
    const bus = await openBus({ url: nats.url, principal: 'judge' })
    onTestFinished(bus.close)
    const drop = (name: string, order: string) => writeFileSync(join(folder, 'inbox', name), order)
    const journal = () => readFileSync(join(folder, 'journal'), 'utf8').trim().split('\n')
    const send = (type: string, run: number, data: object = {}) =>
      ask(bus, { address: { aggregate: 'run', scope: 'root_pipeline', key: String(run) }, type, data })

    const bytes = randomBytes(large)
    writeFileSync(join(folder, 'large'), bytes)
    writeFileSync(join(folder, 'journal'), '')
    const reached: readonly (() => Promise<boolean> | boolean)[] = [
      () => journal().includes('work 0 1'),
      () => journal().includes('work 1 1'),
      async () => has(await told(bus, 2), 'run.node-started', 'leaf_pipeline/fetch'),
      async () => has(await told(bus, 3), 'run.node-retry-set', 'root_pipeline/work'),
    ]
    for (const [run, order] of orders.entries()) {
      drop(`run${run}`, order)
      await until(reached[run] ?? (() => true))
      if (run === 1) await send('run.pause', run, { reason: 'look at it' })
    }

    // It goes while bytes are on their way.
    const workshop = join(folder, 'leaf/models_rpc/.millrace-tmp')
    const underWay = () => {
      try {
        return readdirSync(workshop).reduce((sum, name) => sum + sizeOf(join(workshop, name)), 0)
      } catch {
        return 0
      }
    }
    writeFileSync(join(folder, 'the way'), '')
    await until(() => underWay() > 0, 1)
    await nats.kill()
    expect(sizeOf(join(folder, 'leaf/models_rpc/large'))).toBe(0)
    const gone = performance.now()
    const retried = journal().includes('work 3 2')
    writeFileSync(join(folder, 'the gap'), '')
    await until(() => journal().includes('worked 1 1'))
    let files = 0
    while (performance.now() - gone < away) {
      drop(`while${files++}`, 'nothing')
      await delay(away / 20)
    }
    expect(journal().includes('worked 0 1')).toBe(false)
    await nats.start()
    writeFileSync(join(folder, 'the return'), '')

    // What was done while nobody could be told is told; but what is behind it waits, for its run is paused.
    const isOver = async (run: number) => has(await told(bus, run), 'run.succeeded')
    await until(async () => has(await told(bus, 1), 'run.node-succeeded', 'root_pipeline/work'))
    for (const run of [0, 2, 3]) await until(() => isOver(run))
    expect(has(await told(bus, 1), 'run.node-scheduled', 'root_pipeline/end')).toBe(false)
    await send('run.resume', 1)
    await until(() => isOver(1))
    const offered = async () =>
      (await eventsOf(bus))
        .filter(({ type }) => type === 'pipeline.run-planned')
        .map(({ data }) => data as { run: number; offers: { count: number }[] })
    const counted = async () =>
      (await offered()).flatMap(({ offers }) => offers).reduce((sum, { count }) => sum + count, 0)
    await until(async () => (await counted()) >= files + 4)
    const runs = (await offered()).map(({ run }) => run)
    for (const run of runs) await until(() => isOver(run))

    expect(retried).toBe(false)
    expect(hash('sha256', readFileSync(join(folder, 'leaf/models_rpc/large')))).toBe(hash('sha256', bytes))
    const events = await eventsOf(bus)
    const paths = events.flatMap(({ type, data }) =>
      type === 'artifact.detected' ? [(data as { path: string }).path] : [],
    )
    expect(paths).toHaveLength(files + 4)
    expect(new Set(paths).size).toBe(files + 4)
    expect(await counted()).toBe(files + 4)
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    for (const run of runs) {
      const done = new Set<string>()
      for (const one of await told(bus, run)) {
        if (one.type === 'run.node-started') expect(done).not.toContain(one.data.part)
        if (one.type === 'run.node-succeeded') done.add(one.data.part)
      }
      // After longer than a lease the server gives what still ran to whoever takes it: that is begun anew.
      for (const step of ['begin', ...(slow && run === 0 ? [] : ['worked']), 'end'])
        expect(journal().filter((line) => line.startsWith(`${step} ${run} `))).toHaveLength(1)
    }
    expect(journal()).toEqual(expect.arrayContaining(['worked 0 1', 'worked 1 1', 'worked 3 2']))
    expect(await bus.dead()).toEqual([])
    const after = `${bus.logId}.${await bus.head()}`
    const { items } = (await bus.request(queryOf('runs', 'root_pipeline', 'judge'), { after })) as {
      items: readonly { state: string }[]
    }
    expect(items.map(({ state }) => state)).toEqual(runs.map(() => 'succeeded'))
    expect(await Promise.all([stop(up), stop(leaf)])).toEqual([0, 0])
  },
  slow ? 900_000 : 120_000,
)
