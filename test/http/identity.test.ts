import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tokensIn } from '#http/tokens'
import { folder } from '../projections/story.ts'
import { experimentSite, sha256, tokenLines, tokenOf } from './experiment-site.ts'
import { siteOf } from './site.ts'

test('without tokens whoever reaches the server is its user', async () => {
  const { get } = await siteOf({ more: { user: 'grace' } })
  expect(await (await get('/api/me')).json()).toMatchObject({ name: 'grace', portal: false, roles: [] })
})

test('with tokens nobody is let in without one, but to what shows nothing', async () => {
  const { app, get } = await experimentSite()
  for (const path of ['/api/runs', '/api/experiments', '/api/events', '/api/hosts', '/retraining']) {
    const { status, headers } = await app.request(path)
    expect([path, status, headers.get('WWW-Authenticate')]).toEqual([path, 401, 'Bearer'])
  }
  for (const path of ['/health', '/openapi.json']) expect((await app.request(path)).status).toBe(200)
  for (const said of ['Bearer wrong', 'Bearer', `Basic ${tokenOf('carol')}`, tokenOf('carol'), ''])
    expect((await app.request('/api/me', { headers: { Authorization: said } })).status).toBe(401)
  expect((await get('carol', '/api/me')).body).toMatchObject({ name: 'carol', roles: ['member'] })
  expect((await get('olga', '/api/me')).body).toMatchObject({ name: 'olga', roles: ['operator'], projects: [] })
  expect((await get('stranger', '/api/me')).body).toMatchObject({ name: 'stranger', portal: true, roles: [] })
})

test('whoever comes is told whether they are signed in, and whether that takes a token', async () => {
  const { app, get } = await experimentSite()
  expect(await (await app.request('/api/session')).json()).toEqual({ name: null, tokens: true })
  expect((await get('carol', '/api/session')).body).toEqual({ name: 'carol', tokens: true })
  const open = await siteOf({ more: { user: 'grace' } })
  expect(await (await open.get('/api/session')).json()).toEqual({ name: 'grace', tokens: false })
})

test('the console is served to everybody, so that they can sign in where they wanted to be; what it reads is not', async () => {
  const { app } = await experimentSite()
  for (const path of [
    '/experiments',
    '/experiments/rover-aaaaaa',
    '/inbox',
    '/sites',
    '/me',
    '/hosts',
    '/runs/root/0',
  ]) {
    const { status } = await app.request(path)
    // Where no console is built, it is the way to the API, which asks who comes.
    expect([path, [200, 302].includes(status)]).toEqual([path, true])
  }
  for (const path of ['/api/experiments', '/api/inbox', '/api/sites', '/api/me'])
    expect([path, (await app.request(path)).status]).toEqual([path, 401])
})

test('a token is changed for a cookie that no page can read, and that ends with the token', async () => {
  const { app, file } = await experimentSite()
  const signIn = (token: string) =>
    app.request('/api/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    })
  expect((await signIn('wrong')).status).toBe(401)
  const signedIn = await signIn(tokenOf('carol'))
  expect(await signedIn.json()).toEqual({ name: 'carol' })
  const set = signedIn.headers.get('Set-Cookie') ?? ''
  expect(set).toMatch(/^__Host-millrace=[\w-]{43}; /)
  for (const word of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/']) expect(set).toContain(word)
  const cookie = set.slice(0, set.indexOf(';'))
  const me = (headers: Record<string, string>) => app.request('/api/me', { headers })
  expect(await (await me({ Cookie: cookie })).json()).toMatchObject({ name: 'carol' })
  expect((await me({ Cookie: `${cookie.slice(0, -1)}_` })).status).toBe(401)
  expect((await me({ Cookie: cookie, Authorization: 'Bearer wrong' })).status).toBe(401)
  const foreign = await app.request('/api/session', {
    method: 'DELETE',
    headers: { Cookie: cookie, Origin: 'https://evil.example' },
  })
  expect(foreign.status).toBe(403)
  const second = (await signIn(tokenOf('carol'))).headers.get('Set-Cookie')?.split(';')[0] ?? ''
  expect((await app.request('/api/session', { method: 'DELETE', headers: { Cookie: second } })).status).toBe(204)
  expect((await me({ Cookie: second })).status).toBe(401)
  expect((await me({ Cookie: cookie })).status).toBe(200)
  writeFileSync(file, tokenLines('olga'))
  expect((await me({ Cookie: cookie })).status).toBe(401)
})

test('the file of tokens is read anew when it changes, and lets nobody in when it is gone', async () => {
  const file = join(await folder(), 'tokens')
  const said: string[] = []
  writeFileSync(file, JSON.stringify([{ name: 'ada', sha256: sha256('a'), note: 'her laptop' }]))
  const tokens = tokensIn(file, (line) => said.push(line))
  expect(tokens.holderOf('a')?.name).toBe('ada')
  writeFileSync(file, `# who may come in\n\n${tokenLines('olga')}`)
  expect(tokens.holderOf('a')).toBeUndefined()
  expect(tokens.holderOf(tokenOf('olga'))?.name).toBe('olga')
  writeFileSync(file, '{ "name": "ola"')
  expect(tokens.holderOf(tokenOf('olga'))?.name).toBe('olga')
  expect(said).toEqual([expect.stringMatching(/it is no JSON.*those who were in it before/)])
  rmSync(file)
  expect(tokens.holderOf(tokenOf('olga'))).toBeUndefined()
  expect(said.at(-1)).toMatch('is gone')
})

test.each([
  ['no file', undefined, /there is no such file/],
  ['no JSON', 'carol: abc', /it is no JSON/],
  ['a token as it is', '{ "name": "carol", "sha256": "token-of-carol" }', /64 hexadecimal digits/],
  ['a field that nobody knows', '{ "name": "carol", "hash": "x" }', /hash/],
])('%s is refused at the start', async (_, text, problem) => {
  const file = join(await folder(), 'tokens')
  if (text !== undefined) writeFileSync(file, text)
  expect(() => tokensIn(file)).toThrow(problem)
})
