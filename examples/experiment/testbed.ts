/** Brings up a whole testbed on this machine: a portal, two sites and three end nodes, each a process with a folder of its own. */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findEngine, openProcesses, portFor, pythonImage, type Ssh, startRegistry, startSshd } from './machines.ts'

const here = dirname(fileURLToPath(import.meta.url))
const millrace = join(here, '../../bin/millrace.cjs')

export type Testbed = {
  readonly folder: string
  /** Where the server of the log is, and where the portal's pages are. */
  readonly nats: string
  readonly url: string
  readonly engine: string
  /** Where images are kept, as host:port, and the one that experiments are built on. */
  readonly images: string
  readonly image: string
  /** The user's repository, as git is told. */
  readonly repository: string
  /** The token with which somebody signs in to the pages. */
  readonly tokenOf: (who: string) => string
  /** The options by which somebody is known to the command line. */
  readonly as: (who: string) => readonly string[]
  /** Runs the command line of Millrace, and gives what it printed. */
  readonly millrace: (...args: readonly string[]) => Promise<string>
  /** How each machine is reached over ssh. */
  readonly ssh: Readonly<Record<'north' | 'south' | 'one' | 'two', Ssh>>
  /** Its hosts by name: each can be ended at once, as a power cut would, and started again. */
  readonly hosts: Readonly<Record<HostName, Host>>
  readonly registry: Host
  readonly sshd: Readonly<Record<'north' | 'south' | 'one' | 'two', Host>>
  readonly stop: () => Promise<void>
}

type HostName = 'portal' | 'north' | 'south' | 'one' | 'three'

/** Something that runs, is killed, and is started again. */
type Host = { readonly kill: () => Promise<void>; readonly start: () => Promise<unknown> }

const yaml = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n` // JSON is YAML too.

/** Starts it all below a folder. `base` is the image that experiments are built on; this machine's own Python unless said. */
export const startTestbed = async ({
  folder,
  base,
  say = () => undefined,
  adjust = (_, file) => file,
  route = (_, nats) => nats,
  signal = new AbortController().signal,
  secure = false,
  pages = secure,
}: {
  readonly folder: string
  readonly base?: string | undefined
  readonly say?: (line: string) => void
  /** Gives a host's file as it is to be, from what it would be. */
  readonly adjust?: (name: string, file: object) => object | Promise<object>
  /** Gives the address at which a host finds the log. */
  readonly route?: (name: string, nats: string) => string | Promise<string>
  /** Aborts where it is not to come up after all: what was started by then is ended. */
  readonly signal?: AbortSignal
  /** With TLS, and a file of credentials for each process and each person: nobody can be somebody else. */
  readonly secure?: boolean
  /** Whether the pages are served too, and people have tokens for them. */
  readonly pages?: boolean
}): Promise<Testbed> => {
  const at = (...names: readonly string[]) => join(folder, ...names)
  mkdirSync(folder, { recursive: true })
  const processes = openProcesses(at('logs'))
  try {
    const engine = await findEngine(processes, at('docker'))
    say(`Docker engine: ${engine}`)
    const registry = again(() => startRegistry(processes, at('registry')))
    const { address } = await registry.start()
    say(`Registry: ${address}`)
    const image = base ?? pythonImage(engine)
    const daemon = (name: string) => again(() => startSshd(processes, folder, name))
    const sshd = { north: daemon('north'), south: daemon('south'), one: daemon('one'), two: daemon('two') }
    const ssh = {
      north: (await sshd.north.start()).reached,
      south: (await sshd.south.start()).reached,
      one: (await sshd.one.start()).reached,
      two: (await sshd.two.start()).reached,
    }
    say(
      `ssh daemons: ${Object.entries(ssh)
        .map(([name, { port }]) => `${name} at port ${port}`)
        .join(', ')}`,
    )

    const natsPort = await portFor(folder, 'nats')
    const nats = `${secure ? 'tls' : 'nats'}://127.0.0.1:${natsPort}`
    const state = (name: string) => at('state', name)
    const run = (name: string, ...args: readonly string[]) =>
      processes.start(name, process.execPath, [millrace, ...args], { DOCKER_HOST: engine })
    if (secure) execFileSync(process.execPath, [millrace, 'certs', '--state', state('nats')], { stdio: 'pipe' })
    const server = run(
      'nats',
      'nats',
      '--port',
      String(natsPort),
      '--state',
      state('nats'),
      ...(secure ? ['--tls'] : []),
    )
    await server.says(/(?:nats|tls):\/\/\S+:\d+/)
    mkdirSync(at('credentials'), { recursive: true, mode: 0o700 })
    const file = (who: string) => at('credentials', `${who}.creds.json`)
    /** Lets somebody in; what it is given says as whom. */
    const admit = (who: string, kind = 'script', ...more: readonly string[]): readonly string[] => {
      if (!secure) return kind === 'script' ? ['--nats', nats, '--as', who] : ['--nats', nats]
      const given = ['--address', `127.0.0.1:${natsPort}`, '--out', file(who), '--force', '--state', state('nats')]
      execFileSync(process.execPath, [millrace, 'certs', kind, who, ...given, ...more], { stdio: 'pipe' })
      return ['--creds', file(who)]
    }
    const people = ['carol', 'emil', 'dave', 'olga', 'oleg', 'ada']
    const known = new Map(people.map((who) => [who, admit(who)]))
    say(`Log: ${nats}`)

    const repository = makeRepository(at('repositories/sampling'))
    for (const node of ['one', 'two', 'three']) {
      mkdirSync(at('nodes', node), { recursive: true })
      writeFileSync(at('nodes', node, 'sensor'), '20.00\n')
    }
    const rover = { type: 'Rover', capabilities: ['thermometer'] }
    const container = (node: string) => ({
      mounts: [`${at('nodes', node, 'sensor')}:/sensor`],
      environment: { SENSOR: '/sensor', INTERVAL: '0.2' },
    })
    const write = async (name: HostName, value: object): Promise<string> => {
      writeFileSync(at(`${name}.yaml`), yaml(await adjust(name, value)))
      return at(`${name}.yaml`)
    }
    const portal = await write('portal', {
      administrators: ['ada'],
      operators: ['olga', 'oleg'],
      projects: { rover: { members: ['carol', 'emil'] }, drone: { members: ['dave'], approval: true } },
      gitFolders: [at('repositories')],
      ...(secure && { webs: ['pages'] }), // Whoever keeps its file could speak for everybody.
      experiments: at('portal/experiments'),
      directories: at('portal/directories'),
      uploads: { privateHosts: ['127.0.0.1'] }, // Whoever tries a bucket or a WebDAV folder of this machine may.
      sites: {
        north: {
          ...{ server: 'north', transport: 'ssh', ssh: ssh.north, folder: at('north/experiments') },
          packageBuilder: [
            ...[process.execPath, millrace, 'package-builder', '--pkg', '{id}', '--site', '{site}', '--detach'],
            ...(secure ? ['--creds', file('north')] : ['--nats', nats, '--as', 'north']),
          ],
          nodes: { one: { ...rover, agent: 'rover-one' }, two: rover },
        },
        south: { server: 'south', transport: 'bus', nodes: { three: { ...rover, agent: 'rover-three' } } },
      },
    })
    const site = { engine, registry: address, base: image, buildNetwork: 'none' }
    const north = await write('north', {
      ...{ site: 'north', transport: 'ssh', experiments: at('north/experiments'), ...site },
      nodes: {
        one: { ssh: ssh.one, agent: true, folder: at('nodes/one/experiments'), container: container('one') },
        two: { ssh: ssh.two, engine, folder: at('nodes/two/experiments'), container: container('two') },
      },
    })
    const south = await write('south', {
      ...{ site: 'south', transport: 'bus', experiments: at('south/experiments'), ...site },
      nodes: { three: { transport: 'bus', agent: true, container: container('three') } },
    })
    const one = await write('one', {
      site: 'north',
      node: 'one',
      name: 'rover-one',
      engine,
      folder: at('nodes/one/experiments'),
    })
    const three = await write('three', {
      ...{ site: 'south', node: 'three', name: 'rover-three', transport: 'bus', engine },
      folder: at('nodes/three/experiments'),
    })
    const host = (kind: string, file: string, admitted: readonly string[]) => {
      const name = file.slice(folder.length + 1, -'.yaml'.length)
      return again(async () => {
        const routed = await route(name, nats)
        const way = secure ? admitted : ['--nats', routed]
        const agent = run(name, 'agent', kind, file, ...way, '--state', state(name))
        await agent.says(/is ready at/)
        say(`${kind} ${name}: process ${agent.pid}`)
        return agent
      })
    }
    const hosts = {
      portal: host('portal', portal, admit('portal', 'portal')),
      north: host('site', north, admit('north', 'site', '--config', north)),
      south: host('site', south, admit('south', 'site', '--config', south)),
      one: host('end-node', one, admit('rover-one', 'end-node', '--site', 'north', '--node', 'one')),
      three: host('end-node', three, admit('rover-three', 'end-node', '--site', 'south', '--node', 'three')),
    }
    await Promise.all(Object.values(hosts).map(({ start }) => start()))
    signal.throwIfAborted()
    const tokens = new Map(pages ? people.map((who) => [who, token(at('tokens.json'), who)]) : [])
    const openPages = async (): Promise<string> => {
      const port = String(await portFor(folder, 'web'))
      const way = ['--tokens', at('tokens.json'), '--state', state('web'), ...admit('pages', 'host')]
      const url = await run('web', 'web', '--port', port, ...way).says(/Experiments: (\S+)/)
      say(`Pages: ${url}`)
      return url
    }
    const url = pages ? await openPages() : ''
    return {
      ...{ folder, nats, url, engine, images: address, registry, image, repository, ssh, sshd, hosts },
      tokenOf: (who) => tokens.get(who) ?? '',
      as: (who) => known.get(who) ?? admit(who),
      millrace: async (...args) => {
        const all = [millrace, ...args, ...(secure ? [] : ['--nats', nats])]
        const { stdout } = await promisify(execFile)(process.execPath, all, { timeout: 60_000, killSignal: 'SIGKILL' })
        return stdout
      },
      stop: processes.stop,
    }
  } catch (cause) {
    await processes.stop()
    throw cause
  }
}

/** A new token for somebody; those from before are taken away. */
const token = (file: string, who: string): string => {
  const run = (...args: readonly string[]) =>
    execFileSync(process.execPath, [millrace, 'tokens', ...args, '--tokens', file], { encoding: 'utf8', stdio: 'pipe' })
  try {
    run('revoke', who)
  } catch {
    // There was none.
  }
  return run('add', who).trim()
}

/** Something that can be killed, and started once more. */
const again = <T extends { readonly kill: () => Promise<void> }>(begin: () => Promise<T>) => {
  let running: T | undefined
  return {
    kill: async () => running?.kill(),
    start: async () => {
      running = await begin()
      return running
    },
  }
}

/** A user's repository, made from the template. */
const makeRepository = (folder: string): string => {
  if (!existsSync(folder)) {
    cpSync(join(here, 'template'), folder, { recursive: true })
    const git = (...args: readonly string[]) => execFileSync('git', ['-C', folder, ...args], { stdio: 'pipe' })
    git('init', '--quiet', '--initial-branch', 'main')
    git('add', '--all')
    git(
      '-c',
      'user.name=Carol',
      '-c',
      'user.email=carol@example.org',
      'commit',
      '--quiet',
      '--message',
      'From the template',
    )
  }
  return `file://${folder}`
}

/** What a sensor is: a number in a file, which changes. */
export const playSensors = async (folder: string, signal: AbortSignal): Promise<void> => {
  for (let time = 0; !signal.aborted; time++) {
    for (const [at, node] of ['one', 'two', 'three'].entries())
      writeFileSync(join(folder, 'nodes', node, 'sensor'), `${(20 + 5 * Math.sin(time / 10 + at)).toFixed(2)}\n`, {
        flag: 'r+', // In its place, of the same length: whoever reads it sees a whole number.
      })
    await delay(200, undefined, { signal }).catch(() => undefined)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = resolve(process.argv[2] ?? join(here, '.testbed'))
  const say = (line: string) => console.log(line)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const base = process.env.BASE_IMAGE
  const adjust = (_: string, file: object) =>
    base && 'buildNetwork' in file ? { ...file, buildNetwork: 'bridge' } : file // For what pip installs there.
  const testbed = await startTestbed({ folder, base, say, adjust, signal: stop.signal, secure: true })
  writeFileSync(
    join(folder, 'resource.yaml'),
    'nodeType: Rover\ncapabilities: [thermometer]\ncount: 1\nsites: [north, south]\nhours: 1\n',
  )
  console.log(`\nAll is up, below ${folder}. In another terminal:\n`)
  const carol = testbed.as('carol').join(' ')
  const resource = join(folder, 'resource.yaml')
  console.log(
    `  npm run millrace -- experiment create --project rover --name Sampling --git ${testbed.repository} --resource ${resource} --cloud directory:carol ${carol}`,
  )
  console.log(`\nOr sign in at ${testbed.url}:`)
  for (const who of ['carol', 'olga', 'ada']) console.log(`  ${who} with ${testbed.tokenOf(who)}`)
  console.log(`\nA repository of your own is taken from below ${join(folder, 'repositories')}.`)
  console.log(`What each process says, and the command that starts it again, lie in ${join(folder, 'logs')}.`)
  console.log(`\nCtrl-C ends it all; where it runs in the background: kill ${process.pid}`)
  await playSensors(folder, stop.signal)
  await testbed.stop()
}
