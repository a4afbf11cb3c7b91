import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { faults } from '#bus/fault'
import { servicesOf } from '#contracts/subjects'
import { siteOf } from './site.ts'

const bytes = new Uint8Array(3 << 20).map((_, i) => i % 251)
const digest = createHash('sha256').update(bytes).digest('hex')

const serving = async () => {
  const site = await siteOf()
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
  const get = (path: string, more = '') =>
    site.get(`/api/artifacts/root/models/content?path=${encodeURIComponent(path)}${more}`)
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
  expect((await get('/api/artifacts/root/plots/content?path=a')).status).toBe(503)
  expect((await get('/api/artifacts/root/..%2f..%2fetc/content?path=a')).status).toBe(400)
  expect((await get('/api/artifacts/root/models/content')).status).toBe(400)
})
