import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCredentials } from '#bus/credentials'
import { takeLock } from '#bus/lock'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'
import { run, securedServer } from './secured.ts'

const newFolder = temporaryFolders()
const [configs, leaf] = ['examples/file-transfer', 'leaf.ts']

describe('before certs were made', { timeout: 60_000 }, () => {
  test.each(['0.0.0.0', '::', '192.0.2.1'])('nats refuses to listen at %s, and says what to run', async (host) => {
    const folder = newFolder()
    const { code, output } = await run('nats', '--host', host, '--port', String(await freePort()), '--state', folder)
    expect(code).toBe(2)
    expect(output).toContain(`${host} can be reached from other machines`)
    expect(output).toContain('millrace certs')
    expect(existsSync(join(folder, 'nats'))).toBe(false)
  })

  test('nats refuses TLS, and says what to run', async () => {
    const { code, output } = await run('nats', '--tls', '--port', String(await freePort()), '--state', newFolder())
    expect(code).toBe(2)
    expect(output).toContain('millrace certs')
  })
})

test('certs made beside a server without TLS say that it must be stopped first', async () => {
  const state = newFolder()
  expect((await run('certs', '--state', state)).output).not.toMatch(/first stop/)
  mkdirSync(join(state, 'nats'), { recursive: true })
  await takeLock(join(state, 'nats/server.lock'), 'It')
  const { code, output } = await run('certs', '--state', state)
  expect(code).toBe(0)
  expect(output).toMatch(new RegExp(`first stop process ${process.pid}, which keeps it`))
})

describe('a server with TLS and credentials', { timeout: 60_000 }, () => {
  const { state, start, port, address, server } = securedServer(newFolder())

  /** The file of somebody who may run anything. */
  const fileOf = async (name: string): Promise<string> => {
    const out = join(newFolder(), `${name}.json`)
    await run('certs', 'host', name, '--address', address(), '--out', out, '--state', state)
    return out
  }

  test('keeps its secrets to their owner', () => {
    for (const secret of ['ca-key.pem', 'nats-server.pem', 'local.json'])
      expect(statSync(join(state, 'certs', secret)).mode & 0o777).toBe(0o600)
  })

  test('is reached by verbs of its own machine without a word about it', async () => {
    expect(await run('tail', '--from', 'start', '--once', '--state', state)).toMatchObject({ code: 0 })
    const named = ['--nats', `nats://${address()}`, '--state', state]
    expect(await run('hosts', 'ls', ...named)).toMatchObject({ code: 0, output: 'none\n' })
  })

  test.each(['nats', 'tls'])('turns strangers away at once, and says what they need (%s)', async (scheme) => {
    const { code, output } = await run('tail', '--nats', `${scheme}://${address()}`, '--state', newFolder())
    expect(code).toBe(1)
    expect(output).toMatch(/does not prove who it is .*--creds/)
  })

  test('is good for the address that a file names, from then on', async () => {
    const before = readFileSync(join(state, 'certs/nats-server.pem'), 'utf8')
    const out = join(newFolder(), 'far.json')
    await run('certs', 'host', 'far', '--address', `ip6-localhost:${port()}`, '--out', out, '--state', state)
    expect(readFileSync(join(state, 'certs/nats-server.pem'), 'utf8')).not.toBe(before)
    expect(await run('certs', '--state', state)).toMatchObject({ output: /good for .*ip6-localhost/ })
  })

  test('with the certificate of another authority is not believed', async () => {
    const [other, forged] = [newFolder(), join(newFolder(), 'forged.json')]
    await run('certs', '--state', other)
    const ca = readFileSync(join(other, 'certs/ca.pem'), 'utf8')
    writeFileSync(forged, JSON.stringify({ ...readCredentials(await fileOf('forged')), ca }))
    expect(await run('tail', '--creds', forged)).toMatchObject({ code: 1, output: /does not prove who it is/ })
  })

  test('that comes back without TLS is given no credentials', async () => {
    const creds = await fileOf('careful')
    await stop(server())
    const plain = millrace(['nats', '--port', String(port()), '--state', newFolder()])
    await plain.says(/listens at nats:/)
    expect(await run('tail', '--creds', creds)).toMatchObject({ code: 1, output: /speaks without TLS/ })
    await stop(plain)
    await start()
  })

  test('takes the place of an open one that a killed start left behind', async () => {
    await stop(server())
    const open = millrace(['nats', '--port', String(port()), '--state', state])
    await open.says(/listens at nats:/)
    open.child.kill('SIGKILL')
    await open.ended
    const { output } = await start()
    expect(output()).toMatch(/Ending it .*one with TLS and credentials takes its place/)
    const stranger = await run('hosts', 'ls', '--nats', `nats://${address()}`, '--state', newFolder())
    expect(stranger).toMatchObject({ code: 1, output: /does not prove who it is/ })
  })

  test('listens at every address where it is told to', async () => {
    await stop(server())
    const wide = millrace(['nats', '--host', '0.0.0.0', '--port', String(port()), '--state', state])
    await wide.says(/listens at tls:\/\/127\.0\.0\.1:/)
    expect(readFileSync(join(state, 'nats/server.log'), 'utf8')).toContain(`connections on 0.0.0.0:${port()}`)
    expect(await run('hosts', 'ls', '--creds', await fileOf('far'))).toMatchObject({ code: 0 })
    expect(await stop(wide)).toBe(0)
  })
})

describe('permissions', { timeout: 60_000 }, () => {
  test('prints what a worker needs, for people and for programs', async () => {
    const { code, output } = await run(
      'permissions',
      'shakespeare_eval',
      '--config',
      `${configs}/${leaf}`,
      '--name',
      'gpu',
    )
    expect(code).toBe(0)
    expect(output).toMatch(/^permissions: \{\n {2}publish: \{\n {4}allow: \[/)
    expect(output).toContain('"commands.run.*.report-node.gpu"')
    const json = await run('permissions', 'leaf_pipeline/shakespeare_eval', '--name', 'gpu', '--json')
    expect(JSON.parse(json.output)).toMatchObject({
      publish: {
        allow: expect.arrayContaining(['$O.artifacts-gpu.>', 'events.tracking.leaf_pipeline.shakespeare_eval']),
      },
      subscribe: { allow: ['_INBOX_gpu.>'] },
    })
  })

  test('names the nearest agent where there is none of that name', async () => {
    const { code, output } = await run('permissions', 'shakespear_eval', '--config', `${configs}/${leaf}`)
    expect([code, output]).toEqual([2, expect.stringContaining('shakespeare_eval')])
  })
})
