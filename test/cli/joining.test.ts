import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startNats } from '../nats.ts'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()
const config = 'test/configs/blocking.ts'
const inFolder = (folder: string) => ['--base', folder, '--state', join(folder, 'state')]

test('a folder that has a log of its own does not go on, unasked, on the log of another one', async () => {
  const [nats, folder] = [await startNats(), newFolder()]
  mkdirSync(join(folder, 'state/nats/jetstream'), { recursive: true })
  const ports = ['--nats-port', String(nats.port), '--port', String(await freePort())]
  const up = millrace(['up', config, ...inFolder(folder), ...ports], { MILLRACE_TEST_FOLDER: folder })
  expect(await up.ended).toBe(2)
  expect(up.output()).toMatch(/has a log of its own, .* --nats-port, or go over to that server with --nats nats:/)
  await nats.stop()
}, 60_000)

test('a store that a host keeps is refused to a host of another name; who loses the server says so', async () => {
  const nats = await startNats()
  const agent = (name: string) =>
    millrace(['agent', config, ...inFolder(newFolder()), '--nats', nats.url, '--name', name])
  const first = agent('one')
  await first.says(/one is ready/)
  const second = agent('two')
  expect(await second.ended).toBe(1)
  expect(second.output()).toMatch(/blocking\/inbox is kept by another host already/)
  await nats.kill()
  await first.says(/is away: waiting for it/)
  await nats.start()
  await first.says(/is back/)
  await nats.kill()
  await first.says(/is away(.|\n)*is away/)
  const began = performance.now()
  expect(await stop(first)).toBe(0)
  expect(performance.now() - began).toBeLessThan(14_000)
  await nats.stop()
}, 90_000)
