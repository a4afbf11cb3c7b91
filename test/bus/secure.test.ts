import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Credentials, hostIn, localCredentials, portIn, securityOf } from '#bus/credentials'
import { openBus } from '#bus/jetstream'
import { admit, expel, isSecured, noteServer, reload, secure, usersOf } from '#bus/secure'
import { startServer } from '#bus/server'
import { defaultCache, findServer, type ServerBinary } from '#bus/server-find'
import { freePort } from '../processes.ts'

let binary: ServerBinary
beforeAll(async () => {
  binary = await findServer({ cache: defaultCache() })
}, 120_000)

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-secure-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A server with TLS and credentials, which ends with the test. */
const serve = async (state: string, host?: string) => {
  const { config } = await secure(state, host ? [host] : [])
  const server = await startServer({ binary, stateDir: state, port: await freePort(), host, config })
  onTestFinished(() => server.stop())
  await noteServer(state, server.url)
  return server
}

const open = async (url: string, principal: string, security: ReturnType<typeof securityOf>) => {
  const bus = await openBus({ url, principal, security })
  onTestFinished(() => bus.close())
  return bus
}

const locally = (state: string, url: string) => {
  const local = localCredentials(state)
  if (!local) throw new Error('There are no local credentials')
  return open(url, 'test', securityOf(local, local.ca, url))
}

const carrying = (credentials: Credentials) =>
  open(credentials.url, 'anybody', securityOf(credentials, credentials.ca, credentials.url))

describe('a server', { timeout: 60_000 }, () => {
  test('does not listen wider than loopback with the configuration that everybody has', async () => {
    const starting = startServer({ binary, stateDir: folder(), port: await freePort(), host: '0.0.0.0' })
    await expect(starting).rejects.toMatchObject({ code: 'config.exposed', message: /millrace certs/ })
  })

  test.each(['127.0.0.1', '::1', 'localhost'])('is reached with TLS at %s, and proves who it is', async (host) => {
    const state = folder()
    const { url } = await serve(state, host)
    expect([url.startsWith('tls://'), hostIn(url)]).toEqual([true, host])
    expect((await locally(state, url)).connected()).toBe(true)
  })

  test('is not believed where its certificate does not name the address that was meant', async () => {
    const state = folder()
    const { url } = await serve(state)
    const { seed, ca } = localCredentials(state) ?? expect.fail()
    const opening = openBus({ url, principal: 'test', security: securityOf({ seed }, ca, 'tls://192.0.2.99:4222') })
    await expect(opening).rejects.toMatchObject({ code: 'bus.denied', message: /does not prove who it is/ })
  })

  test('lets in whom it is told of while it runs, without a word to those who are there', async () => {
    const state = folder()
    const { url } = await serve(state)
    const bus = await locally(state, url)
    const leaf = await admit(state, url, [{ role: 'host', principal: 'leaf' }])
    expect(await reload(state, leaf)).toBe(true)
    expect((await carrying(leaf)).principal).toBe('leaf')
    expect(bus.connected()).toBe(true)
    const again = await admit(state, url, [{ role: 'host', principal: 'leaf' }])
    await reload(state, again)
    await expect(carrying(leaf)).rejects.toMatchObject({ code: 'bus.denied' })
    expect((await usersOf(state)).map(({ name }) => name)).toEqual(['local', 'leaf'])
    expect(await expel(state, 'leaf')).toBe(true)
    await reload(state)
    await expect.poll(() => carrying(again).catch(({ code }) => code)).toBe('bus.denied')
    expect(await expel(state, 'leaf')).toBe(false)
    await expect(expel(state, 'local')).rejects.toMatchObject({ code: 'server.own-key' })
  })
})

describe('what keeps a server closed', () => {
  test('is made once, whoever asks, and is for its owner alone', async () => {
    const state = folder()
    expect(await isSecured(state)).toBe(false)
    const [one, two] = await Promise.all([secure(state), secure(state)])
    expect(one.certificate.cert).toBe(two.certificate.cert)
    expect((await usersOf(state)).map(({ name }) => name)).toEqual(['local'])
    for (const secret of ['certs/local.json', 'certs/users.json', 'nats/authorization.conf'])
      expect(statSync(join(state, secret)).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(state, 'nats/authorization.conf'), 'utf8')).not.toContain(localCredentials(state)?.seed)
  })

  test('says where the server is only while it has TLS', async () => {
    const state = folder()
    await secure(state)
    await noteServer(state, 'tls://127.0.0.1:4222')
    expect(localCredentials(state)?.url).toBe('tls://127.0.0.1:4222')
    await noteServer(state, 'nats://127.0.0.1:4222')
    expect(localCredentials(state)).not.toHaveProperty('url')
  })

  test('is asked for by an address, with or without a scheme', () => {
    expect([hostIn('hub.lab:4333'), portIn('hub.lab:4333')]).toEqual(['hub.lab', 4333])
    expect([hostIn('tls://[fd00::2]'), portIn('tls://[fd00::2]')]).toEqual(['fd00::2', 4222])
    expect(portIn('nats://hub:80')).toBe(80)
    expect(() => hostIn('not an address')).toThrow(/is no address/)
  })
})
