import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { git } from '#agents/sources/git'
import { certificateFor, ensureAuthority } from '#bus/certs'
import { fetching, newFolder, refusal, usual } from './fetching.ts'
import { gitOverSsh } from './git-server.ts'
import { repository } from './repository.ts'

afterEach(() => void vi.unstubAllEnvs())

const portOf = (server: Server): number => (server.address() as AddressInfo).port

test('over ssh, a host that is not known by the right key is refused, and so is who is not let in', async () => {
  const { linkTo, right, otherHost, noHost, otherKey } = await gitOverSsh(newFolder())
  const { folder, git } = repository(newFolder(), usual)
  const link = linkTo(folder)
  const { fetched } = fetching(link, { ssh: right })
  expect(await fetched).toMatchObject({ commit: git(['rev-parse', 'HEAD']), files: 2 })
  expect(await refusal(link, { ssh: otherHost })).toMatch(
    /HOST IDENTIFICATION HAS CHANGED|Host key verification failed/,
  )
  expect(await refusal(link, { ssh: noHost })).toMatch(/Host key verification failed/)
  expect(await refusal(link, { ssh: otherKey })).toMatch(/Permission denied/)
  const broken = { ...right, identityFile: "/tmp/x'; touch /tmp/y; '" }
  expect(await refusal(link, { ssh: broken })).toMatch(/can't be given to ssh: use an absolute path/)
})

test('over https, another place that the server names is not looked at', async () => {
  const asked: string[] = []
  const elsewhere = createHttp((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  }).listen(0, '127.0.0.1')
  const authority = await ensureAuthority(newFolder())
  const good = await certificateFor(authority, { called: 'git', names: [], addresses: ['127.0.0.1'] })
  const server = createHttps({ key: good.key, cert: good.cert }, (request, response) => {
    asked.push('here')
    response.writeHead(301, { location: `http://127.0.0.1:${portOf(elsewhere)}${request.url}` }).end()
  }).listen(0, '127.0.0.1')
  for (const one of [elsewhere, server]) onTestFinished(() => void one.close())
  await Promise.all([elsewhere, server].map((one) => one.listening || once(one, 'listening')))
  vi.stubEnv('GIT_SSL_CAINFO', join(authority.folder, 'ca.pem'))
  expect(await refusal(`https://127.0.0.1:${portOf(server)}/ann/rover`)).toMatch(/301[\S\s]*So git said/)
  expect(asked).toEqual(['here'])
})

test('a link that got so far would still not run a program, or read a file here', async () => {
  const { link, folder } = repository(newFolder(), usual)
  const call = { folder, protocols: ['https', 'ssh'] as const, signal: new AbortController().signal }
  for (const [given, transport] of [
    [`ext::touch% ${folder}/x`, 'ext'],
    [link, 'file'],
    ['http://127.0.0.1:1/rover', 'http'],
  ] as const) {
    const { code, lastWords } = await git(['clone', '--', given, 'copy'], call)
    expect([code, lastWords]).toEqual([128, `fatal: transport '${transport}' not allowed`])
  }
  expect(existsSync(join(folder, 'x'))).toBe(false)
})

test('a password that somebody wrote into a link is not told to others', async () => {
  const said = await refusal('https://ann:secret@git.example.org/rover')
  expect(said).toMatch(/^'https:\/\/…@git.example.org\/rover' can't be fetched: a link holds no user and no password/)
  expect(await refusal('ssh://ann:secret@git.example.org/rover')).not.toMatch(/secret/)
})
