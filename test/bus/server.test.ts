import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server as Listener } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { takeLock } from '../../src/bus/lock.ts'
import { type Server, type StartOptions, startServer } from '../../src/bus/server.ts'
import { platform } from '../../src/bus/server-fetch.ts'
import { defaultCache, type FindOptions, findServer, type ServerBinary } from '../../src/bus/server-find.ts'
import { freePort } from '../processes.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'millrace-server-'))
  undo.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const script = (path: string, text: string): string => {
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

const fake = (path: string, version: string): string => script(path, `echo 'nats-server: v${version}'`)

const listening = async (server: Listener): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  undo.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Accepts whoever comes and never says a word. */
const silentHost = (): Promise<number> => {
  const server = createServer((socket) => undo.push(() => socket.destroy()))
  return listening(server)
}

const faultOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => expect.fail('no fault'),
    (reason: { code: string; message: string }) => reason,
  )

describe('finding a server', () => {
  /** Nothing is installed, kept, pinned or mirrored, unless a test says so. */
  const find = async (options: Partial<FindOptions> & { env?: NodeJS.ProcessEnv } = {}) => {
    const said: string[] = []
    const release = { base: 'http://127.0.0.1:9', version: '2.15.1', sha256: {} }
    const found = findServer({
      cache: folder(),
      env: {},
      aptFolder: folder(),
      release,
      say: (line) => said.push(line),
      ...options,
    })
    return {
      said,
      ...(await found.then((binary) => ({ binary, fault: null })).catch((fault) => ({ binary: null, fault }))),
    }
  }

  test('a named server under the floor is refused, with what was found and what is required', async () => {
    const path = fake(join(folder(), 'nats-server'), '2.9.0')
    const { fault } = await find({ env: { MILLRACE_NATS_SERVER: path } })
    expect(fault).toMatchObject({ code: 'server.too-old' })
    expect(fault.message).toContain(`${path}, which is nats-server 2.9.0; 2.14.0 or newer is required`)
  })

  test('a named server that is missing, or is something else, is refused', async () => {
    const missing = await find({ env: { MILLRACE_NATS_SERVER: '/nowhere/nats-server' } })
    expect(missing.fault).toMatchObject({ code: 'server.unusable' })
    expect(missing.fault.message).toContain('there is no such file')

    const other = script(join(folder(), 'nats-server'), 'echo hello')
    const { fault } = await find({ env: { MILLRACE_NATS_SERVER: other } })
    expect(fault.message).toContain('does not answer -v with the version of a nats-server')
  })

  test('a server on PATH that is too old is passed over with one line, and the next one is looked at', async () => {
    const [old, good] = [folder(), folder()]
    fake(join(old, 'nats-server'), '2.9.0')
    fake(join(good, 'nats-server'), '2.14.3')
    const { binary, said } = await find({ env: { PATH: `/bin:${old}:${good}:/usr/bin` } })
    expect(binary).toEqual({ path: join(good, 'nats-server'), version: '2.14.3' })
    expect(said).toEqual([`PATH: passed over ${join(old, 'nats-server')}: it is 2.9.0, Millrace needs 2.14.0 or newer`])
  })

  test('the newest server in the cache is used', async () => {
    const cache = folder()
    for (const version of ['2.14.9', '2.15.1', '2.14.10']) fake(join(cache, `nats-server-${version}`), version)
    const { binary, said } = await find({ cache, env: { PATH: '/bin' } })
    expect(binary).toEqual({ path: join(cache, 'nats-server-2.15.1'), version: '2.15.1' })
    expect(said).toEqual([])
  })

  test('the cache lies where the environment says', () => {
    expect(defaultCache({ MILLRACE_CACHE: '/c' })).toBe('/c')
    expect(defaultCache({ XDG_CACHE_HOME: '/x' })).toBe('/x/millrace')
    expect(defaultCache({})).toMatch(/\/\.cache\/millrace$/)
  })

  /** A host with a release whose archive holds a server that says 2.15.1. */
  const releaseHost = async () => {
    const work = folder()
    const name = `nats-server-v2.15.1-${platform}`
    mkdirSync(join(work, name))
    fake(join(work, name, 'nats-server'), '2.15.1')
    execFileSync('tar', ['-czf', join(work, 'archive'), '-C', work, name])
    const archive = readFileSync(join(work, 'archive'))
    const host = createHttp((request, response) => {
      if (request.url !== `/v2.15.1/${name}.tar.gz`) response.statusCode = 404
      response.end(archive)
    })
    const base = `http://127.0.0.1:${await listening(host)}`
    return { base, version: '2.15.1', sha256: { [platform]: createHash('sha256').update(archive).digest('hex') } }
  }

  test('the official release is fetched into the cache, by several at once without harm', async () => {
    const [cache, release] = [folder(), await releaseHost()]
    const env = { PATH: '/usr/bin:/bin' }
    const all = await Promise.all([1, 2, 3].map(() => find({ cache, release, env })))
    const path = join(cache, 'nats-server-2.15.1')
    expect(all.map(({ binary }) => binary)).toEqual(Array(3).fill({ path, version: '2.15.1' }))
    expect(readdirSync(cache)).toEqual(['nats-server-2.15.1'])
  })

  test('an archive with another checksum is thrown away', async () => {
    const [cache, release] = [folder(), await releaseHost()]
    const { fault } = await find({ cache, release: { ...release, sha256: { [platform]: 'f00' } } })
    expect(fault.message).toContain('expected f00; it was thrown away')
    expect(readdirSync(cache)).toEqual([])
  })

  test('a download host that does not answer is given up on', async () => {
    const release = { base: `http://127.0.0.1:${await silentHost()}`, version: '2.15.1', sha256: { [platform]: 'f00' } }
    const { fault } = await find({ release, stallMs: 200 })
    expect(fault.message).toMatch(/Official release: .*tar\.gz sent no bytes for 0\.2 s; check the network/)
  })

  test.runIf(existsSync('/usr/bin/apt-get'))('a Debian mirror that does not answer is given up on', async () => {
    const [cache, aptFolder] = [folder(), folder()]
    const port = await silentHost()
    const keyring = join(aptFolder, 'debian-archive-keyring.gpg')
    writeFileSync(keyring, '')
    mkdirSync(join(aptFolder, 'sources.list.d'))
    writeFileSync(join(aptFolder, 'sources.list'), 'deb http://127.0.0.1:9/debian-security bookworm-security main\n')
    writeFileSync(
      join(aptFolder, 'sources.list.d/debian.sources'),
      `Types: deb\nURIs: http://127.0.0.1:${port}/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: ${keyring}\n`,
    )
    const { fault, said } = await find({ cache, aptFolder, env: { PATH: '/usr/bin:/bin' }, stallMs: 400 })
    expect(said).toContain(`Fetching nats-server of Debian unstable from http://127.0.0.1:${port}/debian`)
    expect(fault.message).toContain('Debian: apt-get brought no bytes for 0.4 s; check the mirror')
    expect(readdirSync(cache)).toEqual([])
  })

  test('where nothing works, the fault lists every step and what can be done', async () => {
    const { fault, said } = await find()
    expect(fault).toMatchObject({ code: 'server.not-found' })
    const lines = fault.message.split('\n').map((line: string) => line.trim().split(':')[0])
    expect(lines).toEqual([
      'No nats-server of 2.14.0 or newer was found, and none could be fetched',
      'MILLRACE_NATS_SERVER',
      'PATH',
      'Cache',
      'Official release',
      'Debian',
      'Do one of these',
    ])
    expect(fault.message).toContain(`no checksum is pinned for ${platform}`)
    expect(fault.message).toContain('--nats nats://')
    expect(said).toHaveLength(2)
  })

  test('stops when it is told to', async () => {
    const release = { base: `http://127.0.0.1:${await silentHost()}`, version: '2.15.1', sha256: { [platform]: 'f00' } }
    const { fault } = await find({ release, signal: AbortSignal.timeout(100) })
    expect(fault.name).toBe('TimeoutError')
  })
})

describe('a lock', () => {
  const dead = async () => {
    const child = spawn('true')
    await once(child, 'exit')
    return JSON.stringify({ pid: child.pid, birth: 'long.ago' })
  }

  test('is held by one, who is named to the others, until it is released', async () => {
    const path = join(folder(), 'lock')
    const lock = await takeLock(path, 'The folder')
    const fault = await faultOf(takeLock(path, 'The folder'))
    expect(fault.code).toBe('lock.held')
    expect(fault.message).toContain(`The folder is in use by process ${process.pid}`)
    await lock.release()
    await (await takeLock(path, 'The folder')).release()
  })

  test('of an owner who is gone goes to exactly one of many who want it', async () => {
    const home = folder()
    const path = join(home, 'lock')
    for (let round = 0; round < 20; round++) {
      writeFileSync(path, await dead())
      const said: string[] = []
      const takers = Array.from({ length: 20 }, () => takeLock(path, 'The folder', (line) => said.push(line)))
      const won = (await Promise.allSettled(takers)).filter(({ status }) => status === 'fulfilled')
      expect(won).toHaveLength(1)
      expect(said).toHaveLength(1)
      expect(readdirSync(home)).toEqual(['lock'])
    }
  })

  test('is stale where another process has been given its number', async () => {
    const path = join(folder(), 'lock')
    writeFileSync(path, JSON.stringify({ pid: process.pid, birth: 'long.ago' }))
    await expect(takeLock(path, 'The folder')).resolves.toBeDefined()
  })

  test('is taken over even where an earlier takeover was killed halfway', async () => {
    const path = join(folder(), 'lock')
    writeFileSync(path, await dead())
    writeFileSync(`${path}.takeover`, await dead())
    await expect(takeLock(path, 'The folder')).resolves.toBeDefined()
  })
})

describe('a started server', () => {
  let binary: ServerBinary
  beforeAll(async () => {
    binary = await findServer({ cache: defaultCache() })
  }, 120_000)

  const start = async (options: Partial<StartOptions> = {}): Promise<Server> => {
    const server = await startServer({ binary, stateDir: folder(), port: await freePort(), ...options })
    undo.push(() => server.stop())
    return server
  }

  /** Starts a server from a process of its own, which prints what came of it and then waits to be killed. */
  const startElsewhere = (stateDir: string, port: number) => {
    const options = JSON.stringify({ binary, stateDir, port })
    const code = `
      import { startServer } from ${JSON.stringify(new URL('../../src/bus/server.ts', import.meta.url))}
      const outcome = await startServer(${options}).then(({ pid }) => ({ pid }), ({ code }) => ({ code }))
      console.log(JSON.stringify(outcome))
      setInterval(() => {}, 1000)`
    const flags = ['--conditions=source', '--input-type=module-typescript', '-e', code]
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    undo.push(() => child.kill('SIGKILL'))
    return {
      outcome: once(child.stdout, 'data').then(([text]): { pid?: number; code?: string } => JSON.parse(String(text))),
      kill: async () => {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  test('keeps what it acknowledges, under its folder, synced to disk, and answers here only', async () => {
    const stateDir = folder()
    const server = await start({ stateDir })
    const client = await connect({ servers: server.url })
    const config = { name: 'T', subjects: ['t'], storage: 'file' }
    const created = await client.request('$JS.API.STREAM.CREATE.T', JSON.stringify(config))
    const account = (await client.request('$JS.API.INFO')).json<{ domain: string }>()
    await client.close()
    expect(created.json()).toMatchObject({ did_create: true })
    expect(account.domain).toBe('hub')
    expect(existsSync(join(stateDir, 'nats/jetstream/$G/streams/T'))).toBe(true)
    expect(readFileSync(join(stateDir, 'nats/server.log'), 'utf8')).toContain(`on 127.0.0.1:${server.port}`)
    expect(server.adopted).toBe(false)
  })

  test('ends when it is stopped, and can be started again', async () => {
    const stateDir = folder()
    const server = await start({ stateDir })
    await server.stop()
    expect(await server.exited).not.toBeUndefined()
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
    expect(readdirSync(join(stateDir, 'nats')).sort()).toEqual(['jetstream', 'server.log'])
    const said: string[] = []
    await start({ stateDir, port: server.port, say: (line) => said.push(line) })
    expect(said).toEqual([])
  })

  test('is adopted after its starter was killed, and can still be stopped', async () => {
    const [stateDir, port] = [folder(), await freePort()]
    const starter = startElsewhere(stateDir, port)
    const { pid } = await starter.outcome
    await starter.kill()
    const said: string[] = []
    const server = await start({ stateDir, port, say: (line) => said.push(line) })
    expect(server).toMatchObject({ adopted: true, pid, port })
    expect(said).toEqual([
      expect.stringMatching(/^Took over .*server\.lock: its owner, process \d+, is gone$/),
      `Adopting the nats-server of an earlier start (process ${pid})`,
    ])
    await server.stop()
    expect(await server.exited).toBeNull()
  })

  test('replaces one that was killed, and says so in one line', async () => {
    const stateDir = folder()
    const killed = await start({ stateDir })
    process.kill(killed.pid, 'SIGKILL')
    await killed.exited
    const said: string[] = []
    const server = await start({ stateDir, say: (line) => said.push(line) })
    expect(server.adopted).toBe(false)
    expect(said).toEqual([`The nats-server of an earlier start (process ${killed.pid}) is gone: starting a new one`])
  })

  test('is not mistaken for a process that was given its number', async () => {
    const stateDir = folder()
    mkdirSync(join(stateDir, 'nats'))
    const remembered = { pid: process.pid, birth: null, port: 1, name: 'x', binary: binary.path }
    writeFileSync(join(stateDir, 'nats/server.json'), JSON.stringify(remembered))
    expect((await start({ stateDir })).adopted).toBe(false)
  })

  test('has its folder to itself: a second start is refused and told who has it', async () => {
    const stateDir = folder()
    await start({ stateDir })
    const fault = await faultOf(start({ stateDir }))
    expect(fault.code).toBe('lock.held')
    expect(fault.message).toContain(`process ${process.pid}`)
  })

  test('is one, where two processes start it at once', async () => {
    const stateDir = folder()
    const starters = [startElsewhere(stateDir, await freePort()), startElsewhere(stateDir, await freePort())]
    const outcomes = await Promise.all(starters.map(({ outcome }) => outcome))
    expect(outcomes.map(({ code }) => code).filter(Boolean)).toEqual(['lock.held'])
    for (const { kill } of starters) await kill()
    expect((await start({ stateDir })).pid).toBe(outcomes.find(({ pid }) => pid)?.pid)
  })

  test('is refused a port that another program has', async () => {
    const port = await listening(createServer((socket) => socket.end('220 welcome\r\n')))
    const fault = await faultOf(start({ port }))
    expect(fault.code).toBe('server.port-taken')
    expect(fault.message).toContain(`Port ${port} is taken by another program`)
    expect(fault.message).toContain('--nats-port')
    expect(fault.message).not.toContain('nats://')
    if (process.platform === 'linux') expect(fault.message).toContain(`process ${process.pid}`)
  })

  test('is refused a port that another NATS server has, which may be used instead', async () => {
    const other = await start()
    const fault = await faultOf(start({ port: other.port }))
    expect(fault.code).toBe('server.port-taken')
    expect(fault.message).toContain(`taken by a NATS server (${binary.version})`)
    expect(fault.message).toContain(`--nats nats://127.0.0.1:${other.port}`)
    if (process.platform === 'linux') expect(fault.message).toContain(`process ${other.pid}`)
  })

  test('is one of two that want the same port at once', async () => {
    const port = await freePort()
    const both = await Promise.allSettled([start({ port }), start({ port })])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('that ends at once is explained by the end of its log', async () => {
    const config = join(folder(), 'bad.conf')
    writeFileSync(config, 'jetstream { no_such_setting: 1 }')
    const fault = await faultOf(start({ config }))
    expect(fault.code).toBe('server.exited')
    expect(fault.message).toContain('no_such_setting')
  })

  test('that never gets ready is given up on and ended', async () => {
    const path = script(join(folder(), 'nats-server'), 'exec sleep 60')
    const fault = await faultOf(start({ binary: { path, version: '2.15.1' }, patienceMs: 300 }))
    expect(fault.code).toBe('server.silent')
    const pid = Number(fault.message.match(/process (\d+)/)?.[1])
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  test('that is starting is ended when its starter is told to stop, and leaves nothing', async () => {
    const [home, stateDir] = [folder(), folder()]
    const begun = join(home, 'begun')
    const path = script(join(home, 'nats-server'), `echo $$ > ${begun}.new; mv ${begun}.new ${begun}; exec sleep 60`)
    const told = new AbortController()
    const fault = faultOf(start({ binary: { path, version: '2.15.1' }, stateDir, signal: told.signal }))
    await expect.poll(() => existsSync(begun)).toBe(true)
    told.abort(new Error('enough'))
    expect((await fault).message).toBe('enough')
    expect(() => process.kill(Number(readFileSync(begun, 'utf8')), 0)).toThrow('ESRCH')
    expect(readdirSync(join(stateDir, 'nats')).sort()).toEqual(['jetstream', 'server.log'])
  })

  test('that does not begin at all leaves its folder free', async () => {
    const stateDir = folder()
    const fault = await faultOf(start({ stateDir, binary: { path: '/nowhere/nats-server', version: '2.15.1' } }))
    expect(fault.code).toBe('server.exited')
    expect(fault.message).toContain('ENOENT')
    await start({ stateDir })
  })
})
