import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { defaultCache, findServer } from '#bus/server-find'

/** A Docker engine: where it listens, and how to end it if it was started here. */
export type Engine = { readonly host: string; readonly stop: () => Promise<void> }

const answers = (host: string): boolean => {
  try {
    execFileSync('docker', ['info'], {
      ...{ env: { ...process.env, DOCKER_HOST: host }, stdio: 'ignore' },
      ...{ timeout: 10_000, killSignal: 'SIGKILL' },
    })
    return true
  } catch {
    return false
  }
}

/** The engine of this machine, or one started for these tests alone; undefined where there can be none. */
export const findEngine = async (): Promise<Engine | undefined> => {
  const running = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'
  if (answers(running)) return { host: running, stop: async () => undefined }
  const dockerd = ['/usr/sbin/dockerd', '/usr/bin/dockerd'].find((path) => existsSync(path))
  if (!dockerd || process.getuid?.() !== 0) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docker-'))
  const host = `unix://${join(folder, 'docker.sock')}`
  const child: ChildProcess = spawn(
    dockerd,
    [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')],
      ...['--host', host, '--bridge', 'none', '--iptables=false'],
    ],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await ended
    clearTimeout(patience)
    for (const mount of mountsIn(folder)) execFileSync('umount', ['--lazy', mount])
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; tries < 100 && child.exitCode === null && child.signalCode === null; tries++) {
    if (answers(host)) return { host, stop }
    await delay(200)
  }
  await stop()
  return undefined
}

/** What an engine that has ended left mounted, innermost first. */
const mountsIn = (folder: string): string[] =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[1] ?? [])
    .filter((mount) => mount.startsWith(`${folder}/`))
    .reverse()

/** A folder from which an image can be built that holds nats-server, what it links against, and nothing else. */
export const natsImageContext = async (): Promise<string> => {
  const { path } = await findServer({ cache: defaultCache() })
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'))
  copyFileSync(path, join(folder, 'nats-server'))
  copyFileSync('nats.conf', join(folder, 'nats.conf'))
  for (const library of librariesOf(path)) {
    mkdirSync(join(folder, 'libraries', dirname(library)), { recursive: true })
    copyFileSync(library, join(folder, 'libraries', library))
  }
  mkdirSync(join(folder, 'libraries'), { recursive: true })
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM scratch\nCOPY libraries/ /\nCOPY nats-server nats.conf /\nENTRYPOINT ["/nats-server", "-c", "/nats.conf", "-sd", "/data"]\n',
  )
  return folder
}

/** The files that a program links against; none where it is static. */
const librariesOf = (program: string): string[] => {
  try {
    const printed = execFileSync('ldd', [program], { encoding: 'utf8' })
    return [...printed.matchAll(/(\/\S+) \(0x/g)].flatMap(([, file]) => (file ? [file] : []))
  } catch {
    return []
  }
}
