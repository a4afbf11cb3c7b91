import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { takeLock } from '#bus/lock'
import { nameFrom } from '#contracts/names'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'
import { quietConfig, upIn } from './quiet.ts'

const newFolder = temporaryFolders()

test('a second start of a config is told at once who runs it, where, and what to do', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const config = quietConfig(folder)
  const first = await upIn(folder, config)
  const [, url] = await first.says(/(https:\/\/\S+)\nCtrl-C stops/)
  const second = await upIn(folder, config)
  expect(await second.ended).toBe(1)
  expect(second.output().trim().split('\n')).toHaveLength(1)
  expect(second.output()).toContain(`is already being run by process ${first.child.pid} (${config} at ${url})`)
  expect(second.output()).toMatch(/Stop it, with Ctrl-C .*--state, --base.*--port, --nats-port/)
  expect(await stop(first)).toBe(0)
})

test('another config of the same state folder is told whose port it wants', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  const [port, natsPort] = [String(await freePort(2)), String(await freePort())]
  const at = ['--state', join(folder, 'state'), '--base', folder, '--port', port, '--nats-port', natsPort]
  const first = millrace(['up', quietConfig(folder), ...at])
  await first.says(/Ctrl-C stops/)
  mkdirSync(join(folder, 'b'))
  const other = quietConfig(join(folder, 'b'))
  const second = millrace(['up', other, ...at])
  expect(await second.ended).toBe(1)
  expect(second.output()).toMatch(/another host name \(--name\) and port \(--port\)/)
  const third = millrace(['up', other, ...at, '--name', 'other'])
  expect(await third.ended).toBe(1)
  expect(third.output()).toMatch(new RegExp(`Port ${port} .* in use by process ${first.child.pid} .*--port`))
  expect(await stop(first)).toBe(0)
})

test('a start waits for an earlier one that is just ending', { timeout: 60_000 }, async () => {
  const folder = newFolder()
  mkdirSync(join(folder, 'state/up'), { recursive: true })
  const lock = await takeLock(join(folder, 'state/up', `${nameFrom(hostname())}-quiet.lock`), 'It')
  await lock.end()
  const up = await upIn(folder, quietConfig(folder))
  await up.says(new RegExp(`already being run by process ${process.pid}, which is ending: waiting`))
  await lock.release()
  await up.says(/Ctrl-C stops/)
  expect(await stop(up)).toBe(0)
})

test('an agent waits for an earlier one of its host that is just ending, and for no other', async () => {
  const folder = newFolder()
  const nowhere = `nats://127.0.0.1:${await freePort()}`
  const args = ['agent', quietConfig(folder), '--name', 'gpu', '--nats', nowhere, '--state', folder]
  mkdirSync(join(folder, 'hosts/gpu'), { recursive: true })
  const lock = await takeLock(join(folder, 'hosts/gpu/lock'), 'It')
  const refused = millrace(args)
  expect(await refused.ended).toBe(1)
  expect(refused.output()).toMatch(new RegExp(`host gpu is already being run by process ${process.pid}\\. Stop it`))
  await lock.end()
  const second = millrace(args)
  await second.says(/which is ending: waiting/)
  await lock.release()
  await second.says(/Waiting for a NATS server/)
  expect(await stop(second)).toBe(130)
}, 60_000)

test('a lock that was released is not there again because its holder said that it is ending', async () => {
  const path = join(newFolder(), 'lock')
  const lock = await takeLock(path, 'It', undefined, 'something')
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ about: 'something' })
  await Promise.all([lock.end(), lock.release(), lock.end()])
  await (await takeLock(path, 'It')).release()
})

test('a start on the files of another one, with another state folder, is told so before a server is started', async () => {
  const folder = newFolder()
  const database = join(folder, 'metadata.db')
  const config = join(folder, 'kept.mjs')
  const store = "{ kind: 'metadata-store', path: './metadata.db' }"
  writeFileSync(config, `export const kept = { name: 'kept', stores: { metadata: ${store} }, actions: {} }`)
  const lock = await takeLock(`${database}.lock`, 'It')
  const up = await upIn(folder, config)
  expect(await up.ended).toBe(1)
  expect(up.output()).toMatch(new RegExp(`^${database} is in use by process ${process.pid}: .*--base\n$`))
  expect(existsSync(join(folder, 'state/nats'))).toBe(false)
  await lock.release()
}, 60_000)
