import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenAPIHono } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { queriesTo } from '#contracts/subjects'
import { addConsole } from '#http/console'
import { onError } from '#http/problem'
import { digestFor, folder, rootGraph } from '../projections/story.ts'
import { siteOf } from './site.ts'

const browser = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

test('a node has a page for people, and the same for programs', async () => {
  const { get } = await siteOf()
  const page = await get('/retraining', browser)
  expect(page.headers.get('Content-Type')).toMatch('text/html')
  const text = await page.text()
  expect(text).toMatch('root/retraining')
  expect(text).toMatch('succeeded')
  expect(text).toMatch('href="/haikus"')
  const same = await get('/retraining', { Accept: '*/*' })
  expect(await same.json()).toMatchObject({
    node: { part: 'root/retraining', kind: 'action', state: 'succeeded', run: 'root/0' },
    after: ['root/haikus', 'root/models'],
    before: ['leaf/evaluation', 'leaf/plotting'],
    attempts: [{ run: 'root/0', outcome: 'succeeded', host: 'host-root' }],
  })
})

test("a store's page lists its artifacts, and whatever they are called is text", async () => {
  const { get, story, caughtUp } = await siteOf()
  const path = '<script>alert(1)</script>"\'.txt'
  await story.drop(path)
  await caughtUp()
  const text = await (await get('/haikus', browser)).text()
  expect(text).not.toMatch('<script>')
  expect(text).toMatch('&lt;script&gt;')
  expect(text).toMatch(digestFor(path).slice(0, 12))
  expect(text).toMatch('waiting for files')
})

test('a node of another process redirects there, where it answers', async () => {
  const { get, hub, stop } = await siteOf()
  expect((await get('/evaluation')).status).toBe(404)
  void hub
    .connect('web-leaf')
    .serve(queriesTo('web', 'leaf'), async () => ({ url: 'https://127.0.0.1:8001' }), stop.signal)
  const response = await get('/evaluation')
  expect(response.status).toBe(307)
  expect(response.headers.get('Location')).toBe('https://127.0.0.1:8001/evaluation')
  expect((await get('/nobody')).status).toBe(404)
})

test("a metadata store's page lists its runs", async () => {
  const { get } = await siteOf()
  expect(await (await get('/metadata_store', browser)).text()).toMatch('href="/runs/root/0"')
  expect(await (await get('/metadata_store')).json()).toMatchObject({ runs: [{ run: 'root/0', state: 'succeeded' }] })
})

test('only a client answers as one', async () => {
  const { get } = await siteOf()
  expect((await get('/retraining/api/client')).status).toBe(404)
})

test('without a console the first page leads to the API and the nodes', async () => {
  const app = new OpenAPIHono()
  addConsole(app, { graphs: [rootGraph] }, [])
  const text = await (await app.request('/')).text()
  expect(text).toMatch('/api/graph')
  expect(text).toMatch('href="/retraining"')
  expect(text).not.toMatch('<script')
  expect((await app.request('/runs/root/3')).headers.get('Location')).toBe('/api/runs/root/3')
  const file = await app.request('/artifacts/root/models?path=a%20b.txt')
  expect(file.headers.get('Location')).toBe('/api/artifacts/history?node=root%2Fmodels&path=a+b.txt')
})

test('the console is served with a policy of its own, and nothing beside it', async () => {
  const root = await folder()
  await mkdir(join(root, 'dist', 'assets'), { recursive: true })
  await writeFile(join(root, 'dist', 'index.html'), '<!doctype html><title>Console</title>')
  await writeFile(join(root, 'dist', 'assets', 'main.js'), 'export {}')
  await writeFile(join(root, 'secret.txt'), 'secret')
  const app = new OpenAPIHono()
  app.onError(onError())
  addConsole(app, { graphs: [rootGraph] }, [join(root, 'dist')])
  const page = await app.request('/')
  expect(page.headers.get('Content-Security-Policy')).toMatch("script-src 'self'")
  expect(await page.text()).toMatch('Console')
  expect(await (await app.request('/console/runs/root/3')).text()).toMatch('Console')
  expect(await (await app.request('/runs/root/3')).text()).toMatch('Console')
  const script = await app.request('/console/assets/main.js')
  expect(script.headers.get('Content-Type')).toMatch('javascript')
  expect(script.headers.get('Cache-Control')).toMatch('immutable')
  for (const path of ['..%2fsecret.txt', '%2e%2e/secret.txt', 'assets/..%2f..%2fsecret.txt', 'gone.js', '%zz'])
    expect([path, (await app.request(`/console/${path}`)).status]).toEqual([path, 404])
})
