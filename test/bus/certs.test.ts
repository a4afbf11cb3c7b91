import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { certificateFor, ensureAuthority, hasAuthority } from '#bus/certs'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-certs-'))
  undo.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const day = 86_400_000
const inDays = (n: number) => new Date(Date.now() + n * day)
const local = { called: 'server', names: ['localhost', 'hub.test'], addresses: ['127.0.0.1', '::1'] }

/** Shakes hands as a visitor who trusts `ca` alone and wants `host`: resolves where the server is who it says. */
const visit = async ({ key, cert }: { key: string; cert: string }, ca: string, host: string) => {
  const server = createServer({ key, cert }, (socket) => socket.end())
  server.on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  undo.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', ca, servername: host })
  undo.push(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket.authorized
}

describe('an authority', () => {
  test('is made once, is good for ten years, and keeps its key to itself', async () => {
    const home = join(folder(), 'certs')
    expect(await hasAuthority(home)).toBe(false)
    const made = await ensureAuthority(home)
    expect(await ensureAuthority(home)).toMatchObject({ certificate: made.certificate.trim().concat('\n') })
    expect(await hasAuthority(home)).toBe(true)
    const parsed = new X509Certificate(made.certificate)
    expect(parsed.ca).toBe(true)
    expect(parsed.verify(parsed.publicKey)).toBe(true)
    expect(Math.round((parsed.validToDate.getTime() - Date.now()) / day)).toBe(3650)
    expect(statSync(join(home, 'ca-key.pem')).mode & 0o777).toBe(0o600)
    expect(readdirSync(home).sort()).toEqual(['ca-key.pem', 'ca.pem'])
  })

  test('is one, however many ask for it at once', async () => {
    const home = folder()
    const made = await Promise.all(Array.from({ length: 8 }, () => ensureAuthority(home)))
    expect(new Set(made.map(({ certificate }) => certificate.trim())).size).toBe(1)
  })

  test('is made anew where a kill left a key that has signed nothing, and not where it has', async () => {
    const home = folder()
    const authority = await ensureAuthority(home)
    rmSync(join(home, 'ca.pem'))
    expect((await ensureAuthority(home)).certificate).not.toBe(authority.certificate)
    await certificateFor(await ensureAuthority(home), { called: 'leaf', names: ['localhost'], addresses: [] })
    rmSync(join(home, 'ca.pem'))
    await expect(ensureAuthority(home)).rejects.toMatchObject({ code: 'config.authority' })
  })

  test('that has lost its key, or has another one, is refused rather than replaced', async () => {
    const [one, another] = [folder(), folder()]
    await ensureAuthority(one)
    await ensureAuthority(another)
    writeFileSync(join(one, 'ca-key.pem'), readFileSync(join(another, 'ca-key.pem')))
    await expect(ensureAuthority(one)).rejects.toMatchObject({ code: 'config.authority', message: /not one authority/ })
    rmSync(join(another, 'ca-key.pem'))
    await expect(ensureAuthority(another)).rejects.toMatchObject({ code: 'config.authority' })
  })
})

describe('a certificate', () => {
  test('is good for its names and addresses, and for 397 days', async () => {
    const authority = await ensureAuthority(folder())
    const { cert, expires, path } = await certificateFor(authority, local)
    const parsed = new X509Certificate(cert)
    expect(parsed.checkHost('hub.test')).toBe('hub.test')
    expect(parsed.checkHost('elsewhere.test')).toBeUndefined()
    expect([parsed.checkIP('127.0.0.1'), parsed.checkIP('::1')]).toEqual(['127.0.0.1', '::1'])
    expect(parsed.checkIP('10.0.0.1')).toBeUndefined()
    expect(parsed.checkIssued(new X509Certificate(authority.certificate))).toBe(true)
    expect(parsed.ca).toBe(false)
    expect(parsed.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
    expect(Math.round((expires.getTime() - Date.now()) / day)).toBe(397)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('is trusted by whoever trusts the authority, and by nobody else', async () => {
    const [authority, stranger] = [await ensureAuthority(folder()), await ensureAuthority(folder())]
    const certificate = await certificateFor(authority, local)
    expect(await visit(certificate, authority.certificate, 'hub.test')).toBe(true)
    await expect(visit(certificate, stranger.certificate, 'hub.test')).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/),
    })
    await expect(visit(certificate, authority.certificate, 'elsewhere.test')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  test('is kept while it is good for all who are asked for', async () => {
    const authority = await ensureAuthority(folder())
    const first = await certificateFor(authority, local)
    expect(await certificateFor(authority, { ...local, names: ['localhost'] })).toEqual(first)
  })

  test('is made anew for one more name, and stays good for those that it had', async () => {
    const authority = await ensureAuthority(folder())
    const first = await certificateFor(authority, local)
    const next = await certificateFor(authority, { ...local, names: ['lab.test'] })
    expect(next.cert).not.toBe(first.cert)
    expect(next.names.toSorted()).toEqual(['hub.test', 'lab.test', 'localhost'])
  })

  test('is made anew when fewer than thirty days are left, not before', async () => {
    const authority = await ensureAuthority(folder())
    const first = await certificateFor(authority, local)
    expect((await certificateFor(authority, local, inDays(366))).cert).toBe(first.cert)
    const next = await certificateFor(authority, local, inDays(368))
    expect(next.cert).not.toBe(first.cert)
    expect(next.expires.getTime()).toBeGreaterThan(inDays(760).getTime())
  })

  test('is made anew where its file is broken, or another authority signed it', async () => {
    const [authority, other] = [await ensureAuthority(folder()), await ensureAuthority(folder())]
    const first = await certificateFor(authority, local)
    writeFileSync(first.path, readFileSync(first.path, 'utf8').slice(0, 300))
    const second = await certificateFor(authority, local)
    expect(await visit(second, authority.certificate, 'localhost')).toBe(true)
    writeFileSync(first.path, readFileSync((await certificateFor(other, local)).path))
    const third = await certificateFor(authority, local)
    expect(await visit(third, authority.certificate, 'localhost')).toBe(true)
  })

  test('never outlives its authority', async () => {
    const authority = await ensureAuthority(folder(), inDays(-3600))
    const { expires } = await certificateFor(authority, local)
    expect(expires).toEqual(new X509Certificate(authority.certificate).validToDate)
  })
})
