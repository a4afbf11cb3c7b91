import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, type TestContext, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { eventsOf } from './events.ts'
import { startNats } from './nats.ts'
import {
  freePort,
  millrace,
  printedBy,
  processesWith,
  type Started,
  slow,
  stop,
  temporaryFolders,
} from './processes.ts'

const newFolder = temporaryFolders()

/** Both processes of the blocking pipeline, on a server. */
const blockingOn = async (context: TestContext, url: string, folder: string): Promise<Started> => {
  const args = ['up', 'test/configs/blocking.ts', '--nats', url, '--base', folder, '--state', join(folder, 'state')]
  const port = ['--port', String(await freePort())]
  const up = printedBy(context, 'up', millrace([...args, ...port], { MILLRACE_TEST_FOLDER: folder }))
  await up.says(/Ctrl-C stops/)
  return up
}

test.concurrent('a second host of the same name is refused while the first is alive, wherever it runs', async (context) => {
  const nats = await startNats()
  const [one, two] = [newFolder(), newFolder()]
  const agent = (folder: string) =>
    printedBy(
      context,
      'agent',
      millrace([
        ...['agent', 'test/configs/blocking.ts', '--nats', nats.url, '--name', 'gpu'],
        ...['--base', folder, '--state', join(folder, 'state'), '--log-level', 'debug'],
      ]),
    )
  const first = agent(one)
  await first.says(/gpu runs 3 nodes/)
  const second = agent(two)
  expect(await second.ended).toBe(1)
  expect(second.output()).toMatch(/A host named gpu is alive already .*--name/)
  expect(await stop(first)).toBe(0)
  await nats.stop()
}, 60_000)

test.concurrent(
  'a function that blocks its thread loses neither presence nor lease, and runs once',
  async (context) => {
    const [nats, folder] = [await startNats(), newFolder()]
    const up = await blockingOn(context, nats.url, folder)
    const bus = await openBus({ url: nats.url, principal: 'judge' })
    const blockFor = slow ? 60_000 : 8_000
    writeFileSync(join(folder, 'inbox/one'), String(blockFor))
    await up.says(/blocking\/block runs on/)
    const until = performance.now() + blockFor - 1_000
    while (performance.now() < until) {
      expect((await bus.present()).map(({ nodes }) => nodes)).toEqual([expect.arrayContaining(['blocking/block'])])
      await delay(1_000)
    }
    await up.says(/run blocking\/0 succeeded/)
    expect(readFileSync(join(folder, 'began'), 'utf8')).toBe('0\n')
    expect((await eventsOf(bus)).filter(({ type }) => type === 'run.node-started')).toHaveLength(1)
    await bus.close()
    expect(await stop(up)).toBe(0)
    await nats.stop()
  },
  slow ? 180_000 : 60_000,
)

test.concurrent(
  'while the bus is gone files arrive; when it is back each is offered once, and nothing is lost',
  async (context) => {
    const [nats, folder] = [await startNats(), newFolder()]
    const up = await blockingOn(context, nats.url, folder)
    writeFileSync(join(folder, 'inbox/before'), '0')
    await up.says(/run blocking\/0 succeeded/)
    await nats.kill()
    const away = slow ? 600_000 : 6_000
    const began = performance.now()
    let files = 0
    while (performance.now() - began < away) {
      writeFileSync(join(folder, `inbox/while-${files++}`), '0')
      await delay(away / 20)
    }
    await nats.start()
    writeFileSync(join(folder, 'inbox/after'), '0')
    await up.says(/file seen: after/)
    const bus = await openBus({ url: nats.url, principal: 'judge' })
    const offered = async (): Promise<number> =>
      (await eventsOf(bus))
        .filter(({ type }) => type === 'pipeline.run-planned')
        .flatMap(({ data }) => (data as { offers: { count: number }[] }).offers)
        .reduce((sum, { count }) => sum + count, 0)
    while ((await offered()) < files + 2) await delay(100)
    const events = await eventsOf(bus)
    expect(events.filter(({ type }) => type === 'artifact.detected')).toHaveLength(files + 2)
    expect(await offered()).toBe(files + 2)
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    await bus.close()
    expect(await stop(up)).toBe(0)
    await nats.stop()
  },
  slow ? 900_000 : 60_000,
)

test.concurrent('an event that breaks its contract, and junk, stop nobody: they are rejected, dropped and shown', async (context) => {
  const [nats, folder] = [await startNats(), newFolder()]
  const up = await blockingOn(context, nats.url, folder)
  const bus = await openBus({ url: nats.url, principal: 'intruder' })
  const address = { aggregate: 'artifact', scope: 'blocking', key: 'intruder' }
  const strange = {
    ...{ id: 'strange-1', type: 'artifact.detected', version: 1, source: 'x', time: new Date().toISOString() },
    ...{ correlationId: 'x', causationId: 'x', principal: 'x', data: { path: 7 } },
  }
  await bus.append([{ address, expectedVersion: 'any', events: [strange] }])
  await nats.publishRaw('events.artifact.blocking.inbox', 'not an event')
  writeFileSync(join(folder, 'inbox/one'), '0')
  await up.says(/run blocking\/0 succeeded/)
  const status = (await bus.request('queries.status.blocking.intruder', {
    after: `${bus.logId}.${await bus.head()}`,
  })) as object
  expect(status).toMatchObject({ rejected: 1, dropped: 1, degraded: true, state: 'following' })
  await bus.close()
  expect(await stop(up)).toBe(0)
  await nats.stop()
}, 60_000)

test.concurrent('a log that is deleted and made anew under running processes is noticed by all, and gone on with', async (context) => {
  const [nats, folder] = [await startNats(), newFolder()]
  const up = await blockingOn(context, nats.url, folder)
  writeFileSync(join(folder, 'inbox/one'), '0')
  await up.says(/run blocking\/0 succeeded/)
  const former = await openBus({ url: nats.url, principal: 'judge' })
  await nats.deleteStream('EVENTS')
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  expect(bus.logId).not.toBe(former.logId)
  await former.close()

  writeFileSync(join(folder, 'inbox/two'), '0')
  const ended = async () => (await eventsOf(bus)).some(({ type }) => type === 'run.succeeded')
  while (!(await ended())) await delay(200)
  const status = async () =>
    (await bus
      .request('queries.status.blocking.judge', { after: `${bus.logId}.${await bus.head()}` })
      .catch(() => undefined)) as { position: string; state: string } | undefined
  while ((await status())?.state !== 'following') await delay(200)
  expect((await status())?.position).toMatch(new RegExp(`^${bus.logId}\\.`))
  await bus.close()
  expect(await stop(up)).toBe(0)
  await nats.stop()
}, 120_000)

// Mounting needs root, and the server takes half a minute to notice: in the long form alone.
if (slow && process.getuid?.() === 0)
  test('a full disk stops the log but loses nothing: doctor and the producers say so, and a restart goes on', async (context) => {
    const [disk, folder] = [newFolder(), newFolder()]
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1g', 'tmpfs', disk])
    try {
      const nats = await startNats(undefined, disk)
      const up = await blockingOn(context, nats.url, folder)
      writeFileSync(join(folder, 'inbox/before'), '0')
      await up.says(/run blocking\/0 succeeded/)

      const ballast = join(disk, 'ballast')
      fill(ballast)
      for (let i = 0; i < 400; i++) writeFileSync(join(folder, `inbox/while-${i}`), '0')
      await up.says(/facts wait on disk: .*See: millrace doctor/)
      const doctor = millrace(['doctor', '--nats', nats.url])
      expect(await doctor.ended).toBe(1)
      expect(doctor.output()).toMatch(/writing +failed .*restart the server/)

      rmSync(ballast)
      await nats.kill()
      await nats.start()
      const bus = await openBus({ url: nats.url, principal: 'judge' })
      const seen = async () => (await eventsOf(bus)).filter(({ type }) => type === 'artifact.detected')
      while ((await seen()).length < 401) await delay(100)
      const paths = (await seen()).map(({ data }) => (data as { path: string }).path)
      expect(new Set(paths).size).toBe(401)
      await bus.close()
      await stop(up)
      await nats.stop()
    } finally {
      for (const { pid } of processesWith(disk)) process.kill(pid, 'SIGKILL')
      execFileSync('umount', ['--lazy', disk])
    }
  }, 120_000)

/** Writes until the disk is full. */
const fill = (file: string): void => {
  const handle = openSync(file, 'w')
  try {
    for (const size of [1 << 20, 1 << 12]) {
      try {
        for (;;) writeSync(handle, Buffer.alloc(size))
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
      }
    }
  } finally {
    closeSync(handle)
  }
}
