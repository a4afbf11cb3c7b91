import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { defaultCache, findServer } from '#bus/server-find'
import { keepServer } from '../../src/cli/keep.ts'
import { freePort, millrace, processesWith, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
let binary: string
beforeAll(async () => {
  binary = (await findServer({ cache: defaultCache() })).path
})
afterEach(() => vi.unstubAllEnvs())

const going = new AbortController().signal
const serversIn = (folder: string) => processesWith(join(folder, 'nats')).length

/** A nats-server that waits, before it begins, until it may; the file `starting` says that it does. */
const slowServer = (folder: string) => {
  const [path, starting, may] = ['nats-server', 'starting', 'may'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const wait = `: > ${starting}; while [ ! -e ${may} ]; do sleep 0.05; done`
  writeFileSync(path, `#!/bin/sh\n[ "$1" = -v ] || { ${wait}; }\nexec ${binary} "$@"\n`, { mode: 0o755 })
  const isStarting = () => vi.waitFor(() => expect(existsSync(starting)).toBe(true), 20_000)
  return { path, isStarting, letBegin: () => writeFileSync(may, '') }
}

test('a server that is being started again while its keeper is told to stop is stopped too', async () => {
  const folder = newFolder()
  const lines: string[] = []
  const kept = await keepServer(folder, await freePort(), (line) => lines.push(line), {}, going)
  const slow = slowServer(folder)
  vi.stubEnv('MILLRACE_NATS_SERVER', slow.path)
  const { pid } = JSON.parse(readFileSync(join(folder, 'nats/server.json'), 'utf8')) as { pid: number }
  process.kill(pid, 'SIGKILL')
  await slow.isStarting()
  await kept.stop()
  expect(lines.join('\n')).toMatch(/ended; starting it again/)
  expect(serversIn(folder)).toBe(0)
}, 60_000)

test('nats that is told to stop while its server is starting stops it at once, and leaves nothing', async () => {
  const folder = newFolder()
  const slow = slowServer(folder)
  const env = { MILLRACE_NATS_SERVER: slow.path }
  const nats = millrace(['nats', '--port', String(await freePort()), '--state', folder], env)
  await slow.isStarting()
  nats.child.kill('SIGINT')
  expect(await nats.ended).toBe(130)
  expect(serversIn(folder)).toBe(0)
  expect(readdirSync(join(folder, 'nats')).sort()).toEqual(['jetstream', 'server.log'])
}, 60_000)

test('who finds the server of its folder still being started waits for it, uses it, and keeps it when its starter ends', async () => {
  const folder = newFolder()
  const slow = slowServer(folder)
  const port = await freePort()
  const first = millrace(['nats', '--json', '--port', String(port), '--state', folder], {
    MILLRACE_NATS_SERVER: slow.path,
  })
  await slow.isStarting()
  const lines: string[] = []
  const sharing = keepServer(folder, await freePort(), (line) => lines.push(line), {}, going)
  const waiting = millrace(['nats', '--port', String(await freePort()), '--state', folder])
  slow.letBegin()
  const second = await sharing
  expect(second.url).toBe(`nats://127.0.0.1:${port}`)
  const [said] = await first.says(/^\{.*\}$/m)
  expect(JSON.parse(said)).toMatchObject({ url: second.url, adopted: false, shared: false })
  await waiting.says(new RegExp(`runs already at ${second.url} .*when that one ends`))
  expect(lines.at(-1)).toMatch(
    new RegExp(`^Using the NATS server that answers at ${second.url}: .* port \\d+ is not used$`),
  )

  expect(await stop(first)).toBe(0)
  await vi.waitFor(() => expect(serversIn(folder)).toBe(1), 20_000)
  await second.stop()
  await waiting.says(new RegExp(`listens at ${second.url}`))
  expect(await stop(waiting)).toBe(0)
  expect(serversIn(folder)).toBe(0)
}, 60_000)

test('nats on a port that another program has names its own option', async () => {
  const other = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const state = newFolder()
  const nats = millrace(['nats', '--port', String(port), '--state', state])
  expect(await nats.ended).toBe(1)
  other.close()
  expect(existsSync(join(state, 'nats/jetstream'))).toBe(false) // There is no log yet that could be another one.
  expect(nats.output()).toMatch(/taken by another program.*Choose another port with --port$/m)
})
