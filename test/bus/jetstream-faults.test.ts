import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { usernamePasswordAuthenticator } from '@nats-io/transport-node'
import { describe, expect, type TestContext, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { startNats } from '../nats.ts'
import { fresh, happened, runOf } from './samples.ts'
import { serversOf } from './servers.ts'

describe('opening a bus', () => {
  test('is refused where no server answers', async () => {
    const nats = await startNats()
    await nats.stop()
    const opening = openBus({ url: nats.url, principal: 'test' })
    await expect(opening).rejects.toMatchObject({ code: 'bus.unreachable', message: new RegExp(nats.url) })
  })

  test('waits for a server where it is told to', async (context) => {
    const { start, later } = serversOf(context)
    const nats = await start()
    await nats.kill()
    const opening = openBus({ url: nats.url, principal: 'test', wait: true })
    await nats.start()
    const bus = await opening
    later(bus.close)
    expect(await bus.head()).toBe(0)
  })

  test('is refused by a server that is too old, and says what is needed', async (context) => {
    const { start, later } = serversOf(context)
    const nats = await start()
    const url = await throughOldVersion(nats.port, later)
    const opening = openBus({ url, principal: 'test' })
    await expect(opening).rejects.toMatchObject({ code: 'bus.old-server', message: /is 2\.13\..*needs 2\.14\.0/ })
  })

  test('is refused where a stream is not as stated, and says what differs', async (context) => {
    const { start, open, administer } = serversOf(context)
    const nats = await start()
    const { jsm } = await administer(nats)
    const bus = await open(nats)
    await jsm.streams.update('WORK', { description: 'in other words' })
    expect((await open(nats)).logId).toBe(bus.logId)
    await jsm.streams.update('LOGS', { max_age: 500e9 })
    const opening = openBus({ url: nats.url, principal: 'test' })
    await expect(opening).rejects.toMatchObject({
      code: 'bus.drift',
      message: /LOGS.*\n.*max_age: expected \d+, found 500000000000/,
    })
  })

  test('gives every one of several the same log, though all found an empty server', async (context) => {
    const { start, open } = serversOf(context)
    const nats = await start()
    const buses = await Promise.all(Array.from({ length: 5 }, () => open(nats)))
    expect(new Set(buses.map(({ logId }) => logId)).size).toBe(1)
  })
})

describe('without the right to', () => {
  const withRights = async (context: TestContext, rights: string) => {
    const { start, later } = serversOf(context)
    const folder = await mkdtemp(join(tmpdir(), 'millrace-rights-'))
    later(() => rm(folder, { recursive: true }))
    const config = join(folder, 'nats.conf')
    const users = `{ user: owner, password: x }, { user: guest, password: x, permissions: ${rights} }`
    await writeFile(config, `jetstream {}\nauthorization { users: [${users}] }`)
    const nats = await start(config)
    const open = async (user: string) => {
      const security = { authenticator: usernamePasswordAuthenticator(user, 'x') }
      const bus = await openBus({ url: nats.url, principal: user, security })
      later(bus.close)
      return bus
    }
    await open('owner')
    return { open, nats }
  }

  test('connect, opening a bus says so', async (context) => {
    const { nats } = await withRights(context, '{}')
    await expect(openBus({ url: nats.url, principal: 'eve' })).rejects.toMatchObject({ code: 'bus.denied' })
  })

  test('publish, ask or follow, doing it says so at once', async (context) => {
    const denied = '["events.>", "commands.>", "$JS.API.CONSUMER.>"]'
    const { open } = await withRights(context, `{ publish: { deny: ${denied} } }`)
    const guest = await open('guest')
    const append = guest.append([{ address: runOf(fresh()), expectedVersion: 0, events: [happened()] }])
    await expect(append).rejects.toMatchObject({ code: 'bus.denied' })
    await expect(guest.request('commands.run.a.start.guest', {})).rejects.toMatchObject({ code: 'bus.denied' })
    const follow = guest.follow({ logId: guest.logId, sequence: 0 }, () => undefined, new AbortController().signal)
    await expect(follow).rejects.toMatchObject({ code: 'bus.denied' })
  })
})

/** The server behind a port, made to say that it is an older version. */
const throughOldVersion = async (port: number, later: (step: () => unknown) => void): Promise<string> => {
  const listener = createServer((client) => {
    const server = dial(port, '127.0.0.1')
    client.on('error', () => server.destroy()).pipe(server)
    server.on('error', () => client.destroy())
    server.on('data', (bytes) =>
      client.write(bytes.toString('latin1').replace(/"version":"2\.\d+/, '"version":"2.13'), 'latin1'),
    )
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  later(() => listener.close())
  return `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`
}
