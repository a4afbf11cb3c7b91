import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { connectionOf } from '#bus/connection-of'
import { takeLock } from '#bus/lock'
import { claimAll } from '../../src/cli/running.ts'
import { freePort, millrace, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
afterEach(() => vi.unstubAllEnvs())

/** What doctor finds, by what it looked at. */
const examined = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const doctor = millrace(['doctor', '--json', ...args], env)
  await doctor.ended
  const rows = doctor.output().trim().split('\n')
  const findings = rows.map((row) => JSON.parse(row) as { what: string; state: string; found: string; todo: string })
  return new Map(findings.map((finding) => [finding.what, finding]))
}

test('doctor says which nats-server would be used, and which one is too old', async () => {
  const folder = newFolder()
  const old = join(folder, 'nats-server')
  writeFileSync(old, "#!/bin/sh\necho 'nats-server: v2.9.0'\n", { mode: 0o755 })
  const cache = join(folder, 'cache')
  const env = { PATH: `${folder}:${process.env.PATH}`, MILLRACE_CACHE: cache }
  const at = ['--nats', `nats://127.0.0.1:${await freePort()}`, '--state', folder]
  expect((await examined(at, env)).get('nats-server here')?.found).toMatch(
    new RegExp(`the first start fetches one \\(PATH: passed over ${old}: it is 2\\.9\\.0`),
  )
  mkdirSync(cache)
  const kept = join(cache, 'nats-server-2.15.1')
  writeFileSync(kept, "#!/bin/sh\necho 'nats-server: v2.15.1'\n", { mode: 0o755 })
  expect((await examined(at, env)).get('nats-server here')?.found).toMatch(
    `2.15.1 at ${kept} (PATH: passed over ${old}`,
  )
})

test('doctor looks at the port that is asked for, says who has it, and gives each advice once', async () => {
  const other = createServer((socket) => socket.end('hello\r\n')).listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const found = await examined(['--nats', `nats://127.0.0.1:${port}`, '--state', newFolder()])
  other.close()
  expect(found.get(`port ${port}`)).toMatchObject({
    state: 'degraded',
    found: expect.stringMatching(/another program listens/),
  })
  expect(found.has('port 4222')).toBe(false)
  const free = await freePort()
  const server = (await examined(['--nats', `nats://127.0.0.1:${free}`, '--state', newFolder()])).get('server')
  expect(`${server?.found} ${server?.todo}`.match(/start one/gi)).toHaveLength(1)
})

test('doctor names the consoles of what runs with the state folder', async () => {
  const state = newFolder()
  mkdirSync(join(state, 'up'))
  await takeLock(join(state, 'up/a.lock'), 'It', undefined, 'a.ts at https://127.0.0.1:8123')
  const nats = ['--nats', `nats://127.0.0.1:${await freePort()}`]
  expect((await examined([...nats, '--state', state])).get('console')?.found).toBe(
    `a.ts at https://127.0.0.1:8123, run by process ${process.pid}`,
  )
})

test('doctor looks at the port where the console of the state folder was last, and at no other', async () => {
  const [state, port] = [newFolder(), await freePort()]
  const starting = { config: join(state, 'a.ts'), port, url: `https://127.0.0.1:${port}` }
  const release = await claimAll(state, '127.0.0.1', [starting], new AbortController().signal, () => undefined)
  await release()
  const nats = ['--nats', `nats://127.0.0.1:${await freePort()}`]
  const found = await examined([...nats, '--state', state])
  expect(found.get(`port ${port}`)).toMatchObject({ state: 'ok', found: 'free: a console can listen there' })
  expect(found.has('port 8000')).toBe(false)
})

test('a verb looks for the server where that of its state folder was, unless it is told otherwise', () => {
  vi.stubEnv('NATS_URL', undefined)
  const state = newFolder()
  expect(connectionOf({ state })).toEqual({ url: 'nats://127.0.0.1:4222' })
  mkdirSync(join(state, 'nats'))
  const remembered = { pid: 1, birth: null, port: 4999, host: '0.0.0.0', name: 'x', binary: 'y' }
  writeFileSync(join(state, 'nats/server.json'), JSON.stringify(remembered))
  expect(connectionOf({ state })).toEqual({ url: 'nats://127.0.0.1:4999' })
  expect(connectionOf({ state, nats: 'nats://hub:1' })).toEqual({ url: 'nats://hub:1' })
  vi.stubEnv('NATS_URL', 'nats://other:2')
  expect(connectionOf({ state })).toEqual({ url: 'nats://other:2' })
})
