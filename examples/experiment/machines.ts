/** What stands for the machines of a testbed on this one: ssh daemons, a registry, a Docker engine, and an image with Python. */
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin']

/** Where a program is; a clear end where it is not there. */
export const programAt = (name: string, debian: string): string => {
  const found = places.map((folder) => join(folder, name)).find(existsSync)
  if (found) return found
  throw new Error(`There is no ${name} here. On Debian: apt-get install ${debian}`)
}

/**
 * A port of loopback for something that is started: the one that it had before, where that is kept in the folder. Where that is
 * taken it is another one, unless `stays` says why it may not be.
 */
export const portFor = async (folder: string, name: string, stays?: string): Promise<number> => {
  const file = join(folder, 'ports', name)
  const kept = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  const port = await bound(kept).catch(() => {
    if (stays === undefined) return bound(0)
    throw new Error(
      `Something listens at port ${kept}, where the ${name} of this testbed was, and ${stays}. End it (ss -ltnp says what it is), or begin anew without ${file}`,
    )
  })
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, String(port))
  return port
}

/** Whether a port can be listened at: gives it, or the one that was free where it is 0. */
const bound = (wanted: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })

/**
 * Processes that were started, so that each can be ended by its id. Beside what each says, `<name>.log`, lies `<name>.sh`: the
 * command that starts it again.
 */
export const openProcesses = (logs: string) => {
  const all = new Map<number, Promise<unknown>>()
  mkdirSync(logs, { recursive: true })
  const start = (name: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    writeFileSync(join(logs, `${name}.sh`), scriptOf([program, ...args], env))
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const hear = (text: string) => {
      output = (output + text).slice(-100_000)
      writeFileSync(join(logs, `${name}.log`), text, { flag: 'a' })
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    const ended = new Promise<void>((resolve) => {
      child.on('exit', () => resolve())
      child.on('error', () => resolve())
    })
    const { pid } = child
    if (pid !== undefined) {
      all.set(pid, ended)
      void ended.then(() => all.delete(pid)) // Its number may be another's from now on.
    }
    /** Resolves once it has said something. */
    const says = async (what: RegExp, within = 60_000): Promise<string> => {
      for (const until = Date.now() + within; Date.now() < until; await delay(20)) {
        const found = what.exec(output)
        if (found) return found[1] ?? found[0]
        if (child.exitCode !== null || child.signalCode !== null) break
      }
      throw new Error(`${name} has not said ${what}. It said:\n${output.slice(-3_000)}`)
    }
    /** Ends it at once, as a power cut would. */
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL')
      await ended
    }
    return { name, pid: pid ?? 0, says, ended, child, kill, output: () => output }
  }
  const stop = async (): Promise<void> => {
    for (const [pid, ended] of [...all].reverse()) {
      const end = (signal: NodeJS.Signals) => {
        try {
          process.kill(pid, signal)
        } catch {
          // It has ended by itself.
        }
      }
      end('SIGTERM')
      await Promise.race([ended, delay(20_000, undefined, { ref: false }).then(() => end('SIGKILL'))])
    }
  }
  return { start, stop }
}

/** A script that runs a command in its own place. */
const scriptOf = (command: readonly string[], env: NodeJS.ProcessEnv): string => {
  const words = ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...command]
  return `exec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}\n`
}
export type Processes = ReturnType<typeof openProcesses>

/** How a machine is reached over ssh, as the files of the portal and of site servers say it. */
export type Ssh = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly identityFile: string
  readonly knownHosts: string
}

const newKey = (file: string, comment: string): void => {
  if (!existsSync(file)) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file])
}

/** Starts OpenSSH's own daemon for this user, on a loopback port, with a host key of its own. It lets in one key: that of whoever asks. */
export const startSshd = async (processes: Processes, folder: string, name: string) => {
  const at = (file: string) => join(folder, 'ssh', name, file)
  mkdirSync(at('.'), { recursive: true, mode: 0o700 })
  newKey(at('host_key'), `host ${name}`)
  newKey(at('user_key'), `for ${name}`)
  copyFileSync(at('user_key.pub'), at('authorized_keys'))
  const port = await portFor(folder, `sshd-${name}`)
  const { username, uid } = userInfo()
  // As root, sshd insists on this folder.
  if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const lines = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host_key')}`, `PidFile ${at('pid')}`],
    ...[`AuthorizedKeysFile ${at('authorized_keys')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no'],
    ...['KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password', 'MaxStartups 100'],
  ]
  writeFileSync(at('sshd_config'), `${lines.join('\n')}\n`)
  const [kind, key] = readFileSync(at('host_key.pub'), 'utf8').split(' ')
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${kind} ${key}\n`)
  const sshd = processes.start(`sshd-${name}`, programAt('sshd', 'openssh-server'), [
    '-D',
    '-e',
    '-f',
    at('sshd_config'),
  ])
  await sshd.says(/Server listening/)
  const reached: Ssh = {
    ...{ host: '127.0.0.1', port, user: username },
    ...{ identityFile: at('user_key'), knownHosts: at('known_hosts') },
  }
  return { reached, kill: sshd.kill }
}

/** Starts a registry for images, and gives its address. */
export const startRegistry = async (processes: Processes, folder: string) => {
  const port = await portFor(folder, 'registry', 'what was built before is fetched from there')
  const address = `127.0.0.1:${port}`
  const config = join(folder, 'registry.yml')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, 'images') } },
      http: { addr: address },
    }),
  )
  const env = { OTEL_TRACES_EXPORTER: 'none' }
  const program = programAt('docker-registry', 'docker-registry')
  const { kill } = processes.start('registry', program, ['serve', config], env)
  await until(async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok, 'the registry answers')
  return { address, kill }
}

const until = async (holds: () => Promise<unknown>, what: string): Promise<void> => {
  for (let left = 1_500; !(await holds()); left--) {
    if (left === 0) throw new Error(`It is not so that ${what}`)
    await delay(20)
  }
}

/** The Docker engine that answers; where none does, and this user may, one is started with its own data. */
export const findEngine = async (processes: Processes, folder: string): Promise<string> => {
  const answers = (host: string): boolean => {
    try {
      execFileSync('docker', ['-H', host, 'version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  programAt('docker', 'docker.io')
  const named = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
  if (answers(named)) return named
  mkdirSync(folder, { recursive: true })
  const socket = `unix://${join(folder, 'docker.sock')}`
  const own = [
    '--data-root',
    join(folder, 'data'),
    '--exec-root',
    join(folder, 'exec'),
    '--pidfile',
    join(folder, 'pid'),
  ]
  const engine = programAt('dockerd', 'docker.io')
  processes.start('dockerd', engine, [
    ...own,
    '--host',
    socket,
    '--bridge',
    'none',
    '--iptables=false',
    '--ip6tables=false',
  ])
  await until(async () => answers(socket), 'a Docker engine answers. Start one, and set DOCKER_HOST')
  return socket
}

const linked = (file: string): string[] => {
  try {
    const lines = execFileSync('ldd', [file], { encoding: 'utf8', stdio: 'pipe' }).split('\n')
    return lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? [])
  } catch {
    return [] // No program, or one that needs no libraries.
  }
}

/** What a Dockerfile may call beside Python. */
const tools = ['sh', 'mkdir', 'cp', 'cat', 'ls', 'sleep', 'chmod', 'chown', 'id', 'env']

/** An image with this machine's own Python, so that nothing has to be fetched: made once for an engine. */
export const pythonImage = (engine: string): string => {
  const tag = 'millrace-example/python:3'
  const docker = (...args: readonly string[]): string =>
    execFileSync('docker', ['-H', engine, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim()
  if (docker('images', '--quiet', tag)) return tag
  const ask = (code: string): string[] => execFileSync('python3', ['-c', code], { encoding: 'utf8' }).trim().split('\n')
  const [program = '', library = '', loaded = ''] = ask(
    'import os, sys, sysconfig, _json; print(os.path.realpath(sys.executable)); print(sysconfig.get_path("stdlib")); print(os.path.join(sysconfig.get_path("stdlib"), "lib-dynload"))',
  )
  const modules = existsSync(loaded)
    ? execFileSync('find', [loaded, '-name', '*.so'], { encoding: 'utf8' }).trim().split('\n')
    : []
  const found = tools.map((name) => execFileSync('which', [name], { encoding: 'utf8' }).trim())
  const programs = [...new Set(['/bin/sh', ...found])] // Docker runs a RUN in shell form with /bin/sh, whatever PATH says.
  const libraries = [...new Set([program, ...programs, ...modules].flatMap(linked))]
  const without = ['test', 'dist-packages', 'site-packages', 'idlelib', 'tkinter', '__pycache__'].flatMap((name) => [
    '--exclude',
    `${library}/${name}`,
    '--exclude',
    `*/__pycache__`,
  ])
  const path = `/usr/bin:/bin:${dirname(program)}`
  execFileSync(
    'sh',
    [
      '-c',
      'engine=$1; tag=$2; path=$3; program=$4; shift 4; tar -c --dereference --hard-dereference --transform "s,^$(echo "$program" | cut -c2-)\\$,usr/bin/python3," "$@" 2>/dev/null | docker -H "$engine" import -c "ENV PATH=$path" - "$tag"',
      'sh',
      engine,
      tag,
      path,
      program,
      ...without,
      program,
      library,
      ...programs,
      ...libraries,
    ],
    { stdio: 'pipe' },
  )
  return tag
}
