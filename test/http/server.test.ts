import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get as getPlain } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { get as getSecure, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memoryHub } from '#bus/memory'
import { queryOf } from '#contracts/subjects'
import { certificateFor } from '#http/certificate'
import { startWeb } from '#http/server'
import { runWeb } from '#http/web'
import { folder, rootGraph, teller } from '../projections/story.ts'
import { siteOf } from './site.ts'

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}

const answerTo = async (request: ReturnType<typeof getSecure>) => {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode, headers: response.headers, body: await bodyOf(response) }
}

const starting = async (port = 0) => {
  const site = await siteOf()
  const stateDir = await folder()
  const { url, caPath, closed } = await startWeb({
    app: site.app,
    host: '127.0.0.1',
    port,
    stateDir,
    signal: site.stop.signal,
  })
  onTestFinished(async () => {
    site.stop.abort()
    await closed
  })
  return { ...site, url, stateDir, ca: readFileSync(caPath), closed }
}

test('whoever trusts the local authority is answered over HTTP/2 and over HTTP/1.1', async () => {
  const { url, ca } = await starting()
  const session = connectHttp2(url, { ca })
  const stream = session.request({ ':path': '/api/runs' })
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  let text = ''
  for await (const chunk of stream) text += chunk
  expect(headers[':status']).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ items: [{ run: 'root/0' }] })
  session.close()
  const options: RequestOptions = { ca, agent: false }
  expect(await answerTo(getSecure(`${url}/health`, options))).toMatchObject({ status: 200, body: '{"status":"live"}' })
  const named = url.replace('127.0.0.1', 'localhost')
  expect(await answerTo(getSecure(`${named}/health`, options))).toMatchObject({ status: 200 })
})

test('whoever does not trust it refuses the connection', async () => {
  const { url } = await starting()
  await expect(answerTo(getSecure(`${url}/health`, { agent: false }))).rejects.toThrow(/certificate/)
})

test('events come over HTTP/2, many streams on one connection', async () => {
  const { url, ca, story } = await starting()
  const session = connectHttp2(url, { ca })
  const streams = Array.from({ length: 12 }, () => session.request({ ':path': '/api/events' }))
  const texts = streams.map(() => '')
  const arrived = streams.map(async (stream, i) => {
    for await (const chunk of stream) {
      texts[i] += chunk
      if (texts[i]?.includes('artifact.detected')) return
    }
  })
  await Promise.all(streams.map((stream) => once(stream, 'response')))
  await story.drop('live.txt')
  await Promise.all(arrived)
  session.destroy()
})

test('plain HTTP on the same port is sent to TLS', async () => {
  const { url } = await starting()
  const plain = url.replace('https', 'http')
  const { status, headers } = await answerTo(getPlain(`${plain}/api/runs?limit=1`, { agent: false }))
  expect([status, headers.location]).toEqual([308, `${url}/api/runs?limit=1`])
  const elsewhere = { agent: false, headers: { Host: 'evil.example' } } as const
  const misled = await answerTo(getPlain(`${plain}/x`, elsewhere))
  expect([misled.status, misled.headers.location]).toEqual([421, undefined])
})

test('a port in use says what to do', async () => {
  const { url } = await starting()
  await expect(starting(Number(new URL(url).port))).rejects.toMatchObject({ code: 'web.port-taken', message: /--port/ })
})

test('an open stream does not hold up the end', async () => {
  const { url, ca, stop, closed } = await starting()
  const request = getSecure(`${url}/api/events`, { ca, agent: false })
  request.on('error', () => undefined)
  await once(request, 'response')
  stop.abort()
  await closed
})

test('the certificate is kept, is good for the host, and its key is for its owner alone', async () => {
  const stateDir = await folder()
  const first = await certificateFor(stateDir, '127.0.0.2')
  expect(await certificateFor(stateDir, '127.0.0.2')).toEqual(first)
  const parsed = new X509Certificate(first.cert)
  for (const name of ['127.0.0.1', '::1', '127.0.0.2']) expect(parsed.checkIP(name)).toBe(name)
  expect(parsed.checkHost('localhost')).toBe('localhost')
  // What strict clients look for, Python's among them.
  expect(parsed.subject).toMatch(/^CN=./)
  expect(parsed.toLegacyObject()).toMatchObject({ issuer: { CN: 'Millrace local authority' }, ca: false })
  expect(parsed.verify(new X509Certificate(readFileSync(first.caPath)).publicKey)).toBe(true)
  for (const file of ['ca-key.pem', 'host-127-0-0-2.pem'])
    expect(statSync(join(stateDir, 'tls', file)).mode & 0o777).toBe(0o600)
})

test('a certificate is made anew before it expires, by the same authority', async () => {
  const stateDir = await folder()
  const first = await certificateFor(stateDir, 'localhost')
  const ca = readFileSync(first.caPath, 'utf8')
  const later = new Date(first.expires.getTime() - 29 * 86_400_000)
  const second = await certificateFor(stateDir, 'localhost', later)
  expect(second.expires.getTime()).toBeGreaterThan(first.expires.getTime())
  expect(readFileSync(second.caPath, 'utf8')).toBe(ca)
})

test('processes that start at once share one authority', async () => {
  const stateDir = await folder()
  const made = await Promise.all(['127.0.0.1', 'localhost', '127.0.0.3'].map((host) => certificateFor(stateDir, host)))
  const ca = new X509Certificate(readFileSync(made[0]?.caPath ?? ''))
  for (const { cert } of made) expect(new X509Certificate(cert).checkIssued(ca)).toBe(true)
})

test('a web process keeps its projection, answers over the bus and over HTTPS, and ends', async () => {
  const hub = memoryHub()
  const story = teller(hub.connect('story'))
  await story.define(rootGraph)
  const stateDir = await folder()
  const stop = new AbortController()
  const { promise: ready, resolve } = Promise.withResolvers<string>()
  const options = {
    graphs: [rootGraph],
    metadataPath: join(stateDir, 'deep', 'metadata.db'),
    host: '127.0.0.1',
    port: 0,
    stateDir,
  }
  const running = runWeb({
    bus: hub.connect('web-root'),
    ...options,
    signal: stop.signal,
    say: () => undefined,
    ready: resolve,
  })
  const url = await ready
  const ca = readFileSync(join(stateDir, 'tls', 'ca.pem'))
  const { status, body } = await answerTo(getSecure(`${url}/metadata_store`, { ca, agent: false }))
  expect(status).toBe(200)
  expect(JSON.parse(body)).toMatchObject({ node: { part: 'root/metadata_store', kind: 'metadata-store' } })
  const asker = hub.connect('leaf')
  expect(await asker.request(queryOf('runs', 'root', 'leaf'), {})).toMatchObject({ items: [] })
  expect(await asker.request(queryOf('web', 'root', 'leaf'), {})).toEqual({ url })
  const position = expect.stringMatching(/\.1$/)
  expect(await asker.request(queryOf('rebuild', 'root', 'leaf'), {})).toEqual({ position })
  stop.abort()
  await running
  expect(existsSync(join(stateDir, 'deep', 'metadata.db.lock'))).toBe(false)
})

test('an address that other machines can reach is refused as long as there are no tokens', async () => {
  const stateDir = await folder()
  const options = { graphs: [rootGraph], metadataPath: join(stateDir, 'm.db'), host: '0.0.0.0', port: 0, stateDir }
  const running = runWeb({
    bus: memoryHub().connect('web-root'),
    ...options,
    signal: new AbortController().signal,
    say: () => undefined,
  })
  await expect(running).rejects.toMatchObject({ code: 'web.exposed' })
})
