import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { postFact } from '#bus/post'
import { freePort, millrace, processesWith, type Started, stop, temporaryFolders } from '../processes.ts'

const run = promisify(execFile)
const newFolder = temporaryFolders()

/** What `npm start` does, in a folder of its own. */
const start = async (folder: string, ports?: { web: number; nats: number }, more: readonly string[] = []) => {
  const { web, nats } = ports ?? { web: await freePort(2), nats: await freePort() }
  const args = ['up', 'examples/file-transfer', '--base', folder, '--state', join(folder, 'state'), ...more]
  const up = millrace([...args, '--port', String(web), '--nats-port', String(nats)])
  return { up, web, nats, url: `nats://127.0.0.1:${nats}`, ca: join(folder, 'state/tls/ca.pem') }
}

describe('up', () => {
  const folder = newFolder()
  let system: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    system = await start(folder)
    await system.up.says(/run root_pipeline\/0 succeeded/)
  }, 60_000)

  test('tells what happens as it happens, each with its address in the console', () => {
    const output = system.up.output()
    for (const line of [
      /Dropped .*haiku0\.txt as a demonstration/,
      /file seen: haiku0\.txt .* https:\/\/127\.0\.0\.1:\d+\/artifacts\//,
      /run root_pipeline\/0 started: .* https:\/\/127\.0\.0\.1:\d+\/runs\/root_pipeline\/0/,
      /saved: model0\.txt/,
      /downloaded: model0\.txt from root_pipeline\/model_registry to leaf_pipeline\/model_registry_rpc/,
      /uploaded: plot0\.txt/,
      /run root_pipeline\/0 succeeded/,
    ])
      expect(output).toMatch(line)
  })

  test('runs root and leaf as two agent processes, each with a web process', () => {
    const ours = processesWith(folder).map(({ command }) => command)
    for (const part of [/ agent .*root\.ts/, / agent .*leaf\.ts/, / web .*root\.ts/, / web .*leaf\.ts/])
      expect(ours.filter((command) => part.test(command))).toHaveLength(1)
  })

  test('plain HTTP at the port of the console leads to HTTPS', async () => {
    const location = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: system.web, path: '/runs' }, (answer) => resolve(answer.headers.location))
        .on('error', reject)
        .end()
    })
    expect(location).toBe(`https://127.0.0.1:${system.web}/runs`)
  })

  test('a script publishes a metric and reads it back, in TypeScript, in shell and in Python', async () => {
    const address = `https://127.0.0.1:${system.web}`
    const env = { ...process.env, NATS_URL: system.url }
    const bus = await openBus({ url: system.url, principal: 'earlier' })
    const earlier = Array.from({ length: 1_010 }, () => ({ key: 'drift', value: 9 }))
    const post = (data: object) => postFact(bus, { scope: 'root_pipeline', type: 'tracking.metric-logged', data })
    await Promise.all(earlier.map(post))
    await bus.close()
    const ts = await run(process.execPath, ['--conditions=source', 'examples/scripts/metric.ts'], { env })
    expect(ts.stdout).toMatch(/value: 0\.25\b/)
    expect((await run('bash', ['examples/scripts/metric.sh', address, system.ca])).stdout).toMatch(/"value":0\.5\b/)
    expect((await run('python3', ['examples/scripts/metric.py', address, system.ca])).stdout).toMatch(
      /'value': 0\.75\b/,
    )
  })

  test('every verb that asks answers, for people and for programs', async () => {
    const ask = async (...args: string[]) =>
      (await run(process.execPath, ['--conditions=source', 'src/cli/main.ts', ...args, '--nats', system.url])).stdout
    expect(await ask('runs', 'ls')).toMatch(/NUMBER +STATE +TRIGGER +STARTED +ENDED[\s\S]*0 +succeeded/)
    expect(JSON.parse((await ask('runs', 'ls', '--json')).split('\n')[0] ?? '')).toMatchObject({
      number: 0,
      state: 'succeeded',
    })
    expect(await ask('runs', 'show', '0')).toMatch(/root_pipeline\/retraining +succeeded/)
    expect(await ask('runs', 'show', 'root_pipeline/0')).toBe(await ask('runs', 'show', '0'))
    expect(await ask('artifacts', 'ls', 'root_pipeline/model_registry')).toContain('model0.txt')
    expect(await ask('hosts', 'ls')).toContain('leaf_pipeline/shakespeare_eval')
    expect(await ask('status')).toMatch(/haiku_data_store .*waiting for files/)
    const status = JSON.parse(await ask('status', '--json'))
    expect(status).toMatchObject({ pipelines: ['leaf_pipeline', 'root_pipeline'], dead: 0 })
    expect(status.nodes).toContainEqual(expect.objectContaining({ part: 'root_pipeline/retraining' }))
    await expect(ask('status', '--pipeline', 'nobody')).rejects.toMatchObject({
      code: 5,
      stderr: expect.stringMatching('known are leaf_'),
    })
    await expect(ask('artifacts', 'ls', 'nobody')).rejects.toMatchObject({ code: 5 })
    expect(
      await ask('artifacts', 'get', 'model_registry', 'model0.txt', '--out', join(folder, 'bare.txt')),
    ).toBeTruthy()
    expect(await ask('dead', 'ls')).toBe('none\n')
    expect(await ask('projections', 'ls')).toMatch(/root_pipeline +following/)
    expect(await ask('tail', '--from', 'start', '--once', '--type', 'run.succeeded')).toContain(
      'events.run.root_pipeline.0',
    )
    const out = join(folder, 'fetched.txt')
    await ask('artifacts', 'get', 'root_pipeline/model_registry', 'model0.txt', '--out', out)
    expect(readFileSync(out)).toEqual(
      readFileSync(join(folder, 'root-artifacts/output_artifacts/model_registry/model0.txt')),
    )
    await ask('artifacts', 'put', 'root_pipeline/plots_store', out, 'by-hand.txt', '--tag', 'kind=copy')
    expect(existsSync(join(folder, 'root-artifacts/output_artifacts/plots/by-hand.txt'))).toBe(true)
    await expect(ask('artifacts', 'put', 'root_pipeline/plot_store', out)).rejects.toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/No pipeline has a store .*did you mean 'root_pipeline\/plots_store'/),
    })
    expect(await ask('permissions', 'leaf_pipeline')).toMatch(/^leaf_pipeline\/haiku_eval +action$/m)
    expect(await ask('projections', 'rebuild')).toMatch(
      /^Rebuilt the projection of root_pipeline from \d{2,} events, up/,
    )
  }, 120_000) // Two dozen processes, one after the other.

  test('a run that was asked for is run', async () => {
    const watch = millrace(['runs', 'watch', '--nats', system.url])
    await watch.says(/Watching runs, which .*\/runs shows/)
    const verb = ['--conditions=source', 'src/cli/main.ts', 'runs', 'start', '--message', 'by hand']
    const { stdout } = await run(process.execPath, [...verb, '--nats', system.url])
    expect(stdout).toMatch(/accepted: +true/)
    const address = `https://127.0.0.1:${system.web}/runs/root_pipeline/1`
    expect(stdout).toMatch(new RegExp(`run: +root_pipeline/1\nconsole: +${address}\n`))
    await watch.says(new RegExp(`run root_pipeline/1 succeeded {2}${address}`))
    await stop(watch)
    await system.up.says(/run root_pipeline\/1 started: by hand/)
    await system.up.says(/run root_pipeline\/1 succeeded/)
  })

  test('a second start in the same folder is refused, naming who is there', async () => {
    const second = await start(folder, { web: await freePort(2), nats: await freePort() })
    expect(await second.up.ended).not.toBe(0)
    expect(second.up.output()).toContain(`already being run by process ${system.up.child.pid}`)
  })

  test('stops what it started, and goes on with the next run on the same log', async () => {
    expect(await stop(system.up)).toBe(0)
    expect(processesWith(folder)).toEqual([])
    system = await start(folder, { web: system.web, nats: system.nats })
    await system.up.says(/run root_pipeline\/2 succeeded/)
  }, 60_000)

  test('adopts what a killed start left behind', async () => {
    system.up.child.kill('SIGKILL')
    await system.up.ended
    expect(processesWith(folder).some(({ command }) => command.includes('nats-server'))).toBe(true)
    system = await start(folder, { web: system.web, nats: system.nats })
    await system.up.says(/NATS goes on at/)
    await system.up.says(/run root_pipeline\/3 succeeded/)
    expect(await stop(system.up)).toBe(0)
  }, 60_000)

  test('on a new log, a file of an old one is a conflict that names the fix', async () => {
    rmSync(join(folder, 'state'), { recursive: true })
    rmSync(join(folder, 'root-artifacts/input_artifacts/metadata_store'), { recursive: true })
    const fresh = await start(folder)
    await fresh.up.says(
      /retraining errored: model0\.txt .* was there before this log began .*Move it away, or start with --ephemeral/,
    )
    await fresh.up.says(/leaf_pipeline\/haiku_eval skipped: root_pipeline\/retraining did not succeed/)
    await fresh.up.says(/run root_pipeline\/0 failed/)
    await stop(fresh.up)
  }, 60_000)
})

test('a second Ctrl-C ends everything at once', async () => {
  const folder = newFolder()
  const { up } = await start(folder, undefined, ['--no-demonstration'])
  await up.says(/Ctrl-C stops/)
  up.child.kill('SIGINT')
  await up.says(/Stopping/)
  await new Promise((resolve) => setTimeout(resolve, 350)) // Two signals within a moment are one: see signals.ts.
  up.child.kill('SIGINT')
  expect([0, 130, null]).toContain(await up.ended) // null: it was ending already, and had stopped to listen
}, 60_000)

test('two clones at once, on other ports, do not meet', async () => {
  const [one, two] = [await start(newFolder()), await start(newFolder())]
  await Promise.all([one, two].map(({ up }) => up.says(/run root_pipeline\/0 succeeded/)))
  await Promise.all([one, two].map(({ up }) => stop(up)))
}, 60_000)

test('a port that another program holds is named, with what to do', async () => {
  const folder = newFolder()
  const other = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const { up } = await start(folder, { web: await freePort(2), nats: port })
  expect(await up.ended).toBe(1)
  expect(up.output()).toMatch(new RegExp(`${port}`))
  expect(up.output()).toMatch(/--nats-port|--port/)
  other.close()
})

test('ephemeral keeps everything in a temporary folder, and removes it', async () => {
  const before = new Set(readdirSync(tmpdir()))
  const up: Started = millrace(['up', 'examples/file-transfer', '--ephemeral', '--port', String(await freePort(2))])
  const [, dropped = ''] = await up.says(/Dropped (\S+) as/)
  await up.says(/run root_pipeline\/0 succeeded/)
  expect(dropped.startsWith(tmpdir())).toBe(true)
  expect(await stop(up)).toBe(0)
  expect(existsSync(dropped)).toBe(false)
  expect(readdirSync(tmpdir()).filter((name) => !before.has(name) && dropped.includes(name))).toEqual([])
}, 60_000)
