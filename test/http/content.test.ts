import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { faults } from '#bus/fault'
import { servicesOf } from '#contracts/subjects'
import { siteOf } from './site.ts'

const bytes = new Uint8Array(3 << 20).map((_, i) => i % 251)
const digest = createHash('sha256').update(bytes).digest('hex')

const serving = async (options?: Parameters<typeof siteOf>[0]) => {
  const site = await siteOf(options)
  const host = site.hub.connect('host-root')
  await host.buckets.put('host-root', digest, () => new Blob([bytes]).stream() as ReadableStream<Uint8Array>)
  const provide = async (path: string) => {
    if (path !== "models/it's <b>.bin") throw faults.noArtifact(path, 'root/models')
    return { path, digest, size: bytes.length, host: 'host-root' }
  }
  void host.serve(
    servicesOf('root', 'models'),
    ({ body }) => provide((body as { path: string }).path),
    site.stop.signal,
  )
  const get = (path: string, more = '', headers = {}) =>
    site.get(`/api/artifacts/root/models/content?path=${encodeURIComponent(path)}${more}`, headers)
  return { ...site, content: get }
}

test("an artifact's bytes are streamed, to be saved and not to be run", async () => {
  const { content } = await serving()
  const response = await content("models/it's <b>.bin")
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-length': String(bytes.length),
    'content-type': 'application/octet-stream',
    'content-disposition': "attachment; filename*=UTF-8''it%27s%20%3Cb%3E.bin",
    'content-security-policy': expect.stringMatching('sandbox'),
    'x-content-type-options': 'nosniff',
    etag: `"${digest}"`,
  })
  const got = createHash('sha256')
    .update(new Uint8Array(await response.arrayBuffer()))
    .digest('hex')
  expect(got).toBe(digest)
})

test.each([
  '../secret',
  '/etc/passwd',
  'a/../../b',
  'a\\..\\b',
  'a/./b',
  'nul\0',
])('the path %j is refused', async (path) => {
  const { content } = await serving()
  const response = await content(path)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ errors: [{ field: 'path' }] })
})

test('what is missing, elsewhere or another is a problem', async () => {
  const { content, get } = await serving()
  expect((await content('nothing.bin')).status).toBe(404)
  expect((await content("models/it's <b>.bin", `&digest=${'0'.repeat(64)}`)).status).toBe(502)
  expect((await get('/api/artifacts/root/plots/content?path=a')).status).toBe(404)
  expect((await get('/api/artifacts/root/..%2f..%2fetc/content?path=a')).status).toBe(400)
  expect((await get('/api/artifacts/root/models/content')).status).toBe(400)
})

const name = "models/it's <b>.bin"

test.each([
  ['bytes=0-9', 0, 9],
  ['bytes=131070-131080', 131_070, 131_080],
  ['bytes=3000000-', 3_000_000, bytes.length - 1],
  ['bytes=-5', bytes.length - 5, bytes.length - 1],
  ['bytes=5-99999999', 5, bytes.length - 1],
])('of the range %s those bytes are sent', async (range, from, to) => {
  const { content } = await serving()
  const response = await content(name, '', { Range: range })
  expect(response.status).toBe(206)
  expect(response.headers.get('Content-Range')).toBe(`bytes ${from}-${to}/${bytes.length}`)
  expect(response.headers.get('Content-Length')).toBe(String(to + 1 - from))
  const got = Buffer.from(await response.arrayBuffer())
  expect(got.equals(bytes.subarray(from, to + 1))).toBe(true)
})

test('a range that begins behind the last byte is no answer, and one of other bytes is all of these', async () => {
  const { content } = await serving()
  const behind = await content(name, '', { Range: `bytes=${bytes.length}-` })
  expect([behind.status, behind.headers.get('Content-Range')]).toEqual([416, `bytes */${bytes.length}`])
  for (const headers of [
    { Range: 'bytes=0-1', 'If-Range': '"other"' },
    { Range: 'bytes=0-1,5-6' },
    { Range: 'bytes=9-1' },
  ])
    expect((await content(name, '', headers)).status).toBe(200)
})

test('whoever asks for the headers alone has no bytes read', async () => {
  const site = await serving()
  const read = vi.spyOn(site.bus.buckets, 'get')
  const path = `/api/artifacts/root/models/content?path=${encodeURIComponent(name)}`
  const response = await site.app.request(path, { method: 'HEAD' })
  expect([response.status, response.headers.get('Content-Length')]).toEqual([200, String(bytes.length)])
  expect(read).not.toHaveBeenCalled()
})

test('a store that takes long is asked again', async () => {
  const site = await siteOf({ patience: 20 })
  const host = site.hub.connect('host-root')
  await host.buckets.put('host-root', digest, () => new Blob([bytes]).stream() as ReadableStream<Uint8Array>)
  const { promise: never } = Promise.withResolvers<never>()
  const provide = vi
    .fn(async () => ({ path: 'a', digest, size: bytes.length, host: 'host-root' }))
    .mockReturnValueOnce(never)
    .mockReturnValueOnce(never)
  void host.serve(servicesOf('root', 'models'), provide, site.stop.signal)
  expect((await site.get('/api/artifacts/root/models/content?path=a')).status).toBe(200)
  expect(provide).toHaveBeenCalledTimes(3)
})

test('whoever leaves while a store takes long is not asked for any more', async () => {
  const site = await siteOf()
  const { promise: asked, resolve } = Promise.withResolvers<void>()
  const { promise: never } = Promise.withResolvers<never>()
  const provide = () => {
    resolve()
    return never
  }
  void site.hub.connect('host-root').serve(servicesOf('root', 'models'), provide, site.stop.signal)
  const left = new AbortController()
  const answer = site.app.request('/api/artifacts/root/models/content?path=a', { signal: left.signal })
  await asked
  left.abort()
  expect((await answer).status).toBe(503)
})
