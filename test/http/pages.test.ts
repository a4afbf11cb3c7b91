import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenAPIHono } from '@hono/zod-openapi'
import { expect, test } from 'vitest'
import { queriesTo } from '#contracts/subjects'
import { addConsole } from '#http/console'
import { onError } from '#http/problem'
import type { Asking } from '#http/site'
import { appearing } from '../projections/hosts.ts'
import { digestFor, folder, leafGraph, rootGraph } from '../projections/story.ts'
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
  const { get, story, caughtUp, bus } = await siteOf()
  await appearing(bus)
  const path = '<script>alert(1)</script>"\'.txt'
  await story.drop(path)
  await caughtUp()
  const text = await (await get('/haikus', browser)).text()
  expect(text).not.toMatch('<script>')
  expect(text).toMatch('&lt;script&gt;')
  expect(text).toMatch(digestFor(path).slice(0, 12))
  expect(text).toMatch('waiting for files')
})

test("a metadata store's page has what was noted of no run, newest first", async () => {
  const { get, post, caughtUp } = await siteOf({ graphs: [rootGraph] })
  const store = rootGraph.nodes.find(({ kind }) => kind === 'metadata-store')?.name
  const note = (value: number, about = {}) =>
    post('/api/facts', {
      pipeline: 'root',
      type: 'tracking.metric-logged',
      data: { key: '<b>drift</b>', value, ...about },
    })
  for (const value of [0.25, 0.5]) expect((await note(value)).ok).toBe(true)
  await note(7.5, { run: 'root/0' })
  await caughtUp()
  const text = await (await get(`/${store}`, browser)).text()
  expect(text).toMatch('Metrics outside of runs')
  expect(text).toMatch('&lt;b&gt;drift&lt;/b&gt;')
  expect(text).not.toMatch('Params outside of runs')
  const page = await (await get(`/${store}`)).json()
  expect(page).toMatchObject({ metrics: [{ value: 0.5, principal: 'ada' }, { value: 0.25 }], params: [], tags: [] })
})

test('a node of another process redirects there, where it answers', async () => {
  const { get, hub, stop } = await siteOf()
  expect((await get('/evaluation')).status).toBe(404)
  void hub
    .connect('web-leaf')
    .serve(queriesTo('web', 'leaf'), async () => ({ url: 'https://127.0.0.1:8001' }), stop.signal)
  const response = await get('/evaluation')
  expect(response.status).toBe(307)
  expect(response.headers.get('Location')).toBe('https://127.0.0.1:8001/evaluation?of=leaf')
  const named = await get('/haikus?of=leaf') // Of another pipeline than the one whose node has this name here.
  expect([named.status, await named.text()]).toEqual([404, expect.stringContaining('leaf/haikus')])
  expect((await get('/nobody')).status).toBe(404)
})

test('a node has an address by its whole name too; a name that is none is told, with a way to all', async () => {
  const { get } = await siteOf()
  const response = await get('/root/retraining', browser)
  expect([response.status, response.headers.get('Location')]).toEqual([307, '/retraining?of=root'])
  const wrong = await get('/root/retrainin', browser)
  expect(wrong.status).toBe(404)
  const text = await wrong.text()
  expect(text).toMatch('There is no node root/retrainin; did you mean &#39;root/retraining&#39;? <a href="/">')
  expect(await (await get('/nobody/retraining')).json()).toMatchObject({ detail: 'There is no /nobody/retraining' })
})

test("a metadata store's page lists its runs", async () => {
  const { get } = await siteOf()
  expect(await (await get('/metadata_store', browser)).text()).toMatch('href="/runs/root/0"')
  expect(await (await get('/metadata_store')).json()).toMatchObject({ runs: [{ run: 'root/0', state: 'succeeded' }] })
})

test('only a client answers as one, and only where its pipeline is; elsewhere it is said where that is', async () => {
  const { get, post, hub, stop } = await siteOf()
  const detailOf = async (path: string, asked = get(path)) => {
    const answer = await asked
    expect([path, answer.status]).toEqual([path, 404])
    return ((await answer.json()) as { readonly detail: string }).detail
  }
  expect(await detailOf('/retraining/api/client')).toMatch('root/retraining is no client')
  expect(await detailOf('/nobody/api/client')).toBe('There is no client nobody')
  expect(await detailOf('/models_rpc/api/client')).toMatch('it is of leaf; its web process does not answer')
  const url = 'https://127.0.0.1:8001'
  void hub.connect('web-leaf').serve(queriesTo('web', 'leaf'), async () => ({ url }), stop.signal)
  expect(await detailOf('/models_rpc/api/client')).toMatch(`it is of leaf, at ${url}/models_rpc/api/client`)
  const upload = '/models_rpc/api/client/upload'
  expect(await detailOf(upload, post(upload, {}))).toMatch(`it is of leaf, at ${url}${upload}`)
})

test('a client of this process answers to one address, and says which', async () => {
  const { app, get } = await siteOf({ graphs: [leafGraph] })
  expect(await (await get('/models_rpc/api/client')).json()).toMatchObject({ part: 'leaf/models_rpc', server: null })
  const other = await app.request('/models_rpc/api/files', { method: 'DELETE' })
  expect(other.status).toBe(404)
  expect(await other.json()).toMatchObject({ detail: expect.stringMatching('GET /models_rpc/api/client') })
})

test("a store client's page lists what went through it, newest first", async () => {
  const { get } = await siteOf({ graphs: [leafGraph] })
  const text = await (await get('/models_rpc', browser)).text()
  expect(text).not.toMatch('None yet')
  expect(text.indexOf('plot0.txt')).toBeGreaterThan(0)
  expect(text.indexOf('model0.txt')).toBeGreaterThan(text.indexOf('plot0.txt'))
  expect(text).toMatch('5\u00a0bytes')
  expect(await (await get('/models_rpc')).json()).toMatchObject({
    transfers: [
      { what: 'uploaded', path: 'plot0.txt' },
      { what: 'downloaded', path: 'model0.txt' },
    ],
  })
})

test('a browser that asks for what is not there gets a page with a way back; a program gets a problem', async () => {
  const { get } = await siteOf()
  for (const path of ['/nope', '/a/b/c', '/<script>']) {
    const page = await get(path, browser)
    expect([path, page.status, page.headers.get('Content-Type')]).toEqual([path, 404, 'text/html; charset=UTF-8'])
    expect(page.headers.get('Content-Security-Policy')).toMatch("default-src 'none'")
    const text = await page.text()
    expect(text).toMatch('<a href="/">')
    expect(text).not.toMatch('<script>')
  }
  for (const [path, headers] of [
    ['/nope', {}],
    ['/api/nope', browser],
  ] as const)
    expect((await get(path, headers)).headers.get('Content-Type')).toBe('application/problem+json')
})

test('a node that only the log knows has its page where its pipeline is, and is never sent round in a circle', async () => {
  const { get, bus, story, caughtUp, stop } = await siteOf()
  const grown = { name: 'grown', kind: 'action' as const, after: [], next: [] }
  await story.define({ ...rootGraph, nodes: [...rootGraph.nodes, grown] })
  await caughtUp()
  void bus.serve(queriesTo('web', 'root'), async () => ({ url: 'https://127.0.0.1:8000' }), stop.signal)
  expect(await (await get('/grown')).json()).toMatchObject({ node: { part: 'root/grown' } })
})

test('without a console the first page leads to the API and the nodes', async () => {
  const app = new OpenAPIHono<Asking>()
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
  const app = new OpenAPIHono<Asking>()
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
