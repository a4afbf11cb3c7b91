import { expect, test } from 'vitest'
import { siteOf } from './site.ts'

test('a request that names another host is not answered', async () => {
  const { app } = await siteOf()
  expect((await app.request('https://evil.example/api/runs')).status).toBe(421)
  expect((await app.request('/api/runs', { headers: { Host: 'evil.example' } })).status).toBe(421)
  expect((await app.request('https://[::1]:8000/api/runs')).status).toBe(200)
  expect((await app.request('https://127.0.0.1:8000/api/runs')).status).toBe(200)
})

test('a page of another site may neither write nor listen', async () => {
  const { post, get } = await siteOf()
  const metric = { pipeline: 'root', type: 'tracking.metric-logged', data: { key: 'k', value: 1 } }
  expect((await post('/api/facts', metric, { Origin: 'https://evil.example' })).status).toBe(403)
  expect((await post('/api/facts', metric, { Origin: 'http://localhost:9999' })).status).toBe(403)
  expect((await post('/api/facts', metric, { Origin: 'null' })).status).toBe(403)
  expect((await post('/api/facts', metric, { 'Sec-Fetch-Site': 'same-site' })).status).toBe(403)
  expect((await get('/api/events', { Origin: 'https://evil.example' })).status).toBe(403)
  expect((await post('/api/facts', metric, { Origin: 'http://localhost' })).status).toBe(200)
  expect((await post('/api/facts', metric)).status).toBe(200)
})

test('answers do nothing in a browser but be read', async () => {
  const { get } = await siteOf()
  const foreign = { Host: 'evil.example' }
  const answers = ['/api/runs', '/api/nothing', '/retraining', '/health'].map((path) => get(path))
  const refusals = [get('/api/runs', foreign), get('/api/events', { Origin: 'https://evil.example' })]
  for (const { headers } of await Promise.all([...answers, ...refusals])) {
    expect(headers.get('Cache-Control')).toBe('no-store')
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
    expect(headers.get('Content-Security-Policy')).toMatch("default-src 'none'")
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
  }
})
