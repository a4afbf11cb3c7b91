import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { serveStore } from '#agents/pipelines/exchange'
import { storeOnDisk } from '../agents/on-disk.ts'
import { siteOf } from './site.ts'

const digestOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const spools = (): number => readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-upload-')).length

/** A web process, and the host of a store that it can reach. */
const serving = async () => {
  const site = await siteOf()
  const disk = await storeOnDisk('root/models', { hub: site.hub })
  const { bus, store, outbox } = disk
  void serveStore({ bus, host: 'host-of-root', outbox, signal: site.stop.signal }, store)
  const put = (query: string, body: BodyInit, headers: Record<string, string> = {}) =>
    site.app.request(`/api/artifacts/root/models/content?${query}`, { method: 'PUT', body, headers })
  const lying = (path: string) => readFileSync(join(store.root, path))
  return { ...site, put, lying }
}

test('bytes that are sent lie verified in the store, in the name of the user, with their tags', async () => {
  const { put, lying, bus } = await serving()
  const bytes = new Uint8Array(5 << 20).map((_, at) => at % 253)
  const response = await put('path=a%20b/model.bin&tag=kind=test&tag=of=x=y', bytes)
  expect([response.status, await response.json()]).toEqual([
    200,
    { path: 'a b/model.bin', digest: digestOf(bytes), size: bytes.length },
  ])
  expect(digestOf(lying('a b/model.bin'))).toBe(digestOf(bytes))
  const { events } = await bus.read({ aggregate: 'artifact', scope: 'root', key: 'models' })
  const told = events.slice(-2).map(({ type, principal, data }) => ({ type, principal, data }))
  expect(told).toMatchObject([
    { type: 'artifact.uploaded', principal: 'ada', data: { path: 'a b/model.bin', digest: digestOf(bytes) } },
    { type: 'artifact.tagged', principal: 'ada', data: { tags: { kind: 'test', of: 'x=y' } } },
  ])
  expect(spools()).toBe(0)
})

test('what lies there already is replaced only when that is said', async () => {
  const { put, lying } = await serving()
  expect((await put('path=m.txt', 'one')).status).toBe(200)
  const refused = await put('path=m.txt', 'two')
  expect([refused.status, await refused.json()]).toMatchObject([
    409,
    { code: 'store.taken', detail: expect.stringContaining('over HTTP ?overwrite=true') },
  ])
  expect((await put('path=m.txt&overwrite=true', 'two')).status).toBe(200)
  expect(String(lying('m.txt'))).toBe('two')
})

test('the same bytes sent again are tagged with what is said with them, each time', async () => {
  const { put, bus } = await serving()
  for (const stage of ['new', 'approved', 'new'])
    expect((await put(`path=m.txt&overwrite=true&tag=stage=${stage}`, 'one')).status).toBe(200)
  const { events } = await bus.read({ aggregate: 'artifact', scope: 'root', key: 'models' })
  const told = events.filter(({ data }) => (data as { path?: string }).path === 'm.txt')
  expect(told.map(({ type, data }) => [type, (data as { tags?: unknown }).tags])).toEqual([
    ['artifact.uploaded', undefined],
    ['artifact.tagged', { stage: 'new' }],
    ['artifact.tagged', { stage: 'approved' }],
    ['artifact.tagged', { stage: 'new' }],
  ])
})

test('an empty artifact is one as well', async () => {
  const { put, lying } = await serving()
  expect((await put('path=empty', '')).status).toBe(200)
  expect(lying('empty')).toHaveLength(0)
})

test('bytes that are not those that were announced are refused, and leave nothing', async () => {
  const { put, lying } = await serving()
  const response = await put(`path=m.txt&digest=${digestOf('others')}`, 'these')
  expect([response.status, await response.json()]).toMatchObject([502, { code: 'artifact.wrong' }])
  expect(() => lying('m.txt')).toThrow(/ENOENT/)
  expect(spools()).toBe(0)
})

test.each([
  'path=../x',
  'path=/etc/x',
  'path=',
  'path=a&tag=novalue',
  'path=a&colour=blue',
  '',
])('the query %j is refused', async (query) => {
  const { put } = await serving()
  expect((await put(query, 'x')).status).toBe(400)
})

test('a page of another site may send nothing, and a store that nobody keeps is told', async () => {
  const { put, app } = await serving()
  expect((await put('path=x', 'x', { Origin: 'https://elsewhere.example' })).status).toBe(403)
  const nowhere = await app.request('/api/artifacts/root/nowhere/content?path=x', { method: 'PUT', body: 'x' })
  expect(nowhere.status).toBe(404)
})
