import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { orAborted } from './abort.ts'
import { faults, reasonOf } from './fault.ts'
import { birthOf, gone, greet, listenerOn, lives, takeLock } from './lock.ts'
import type { ServerBinary } from './server-find.ts'
import {
  exposed,
  isLoopback,
  loopback,
  type Remembered,
  reached,
  recall,
  remember,
  serverName,
  urlOf,
  whatIsMissing,
} from './server-place.ts'

export type Server = {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** An earlier start, since killed, had left it running. */
  readonly adopted: boolean
  /** Ends the server: asks it to, and insists after ten seconds. */
  readonly stop: () => Promise<void>
  /** Resolves when it has ended: with its exit code, or null where a signal ended it or it was adopted. */
  readonly exited: Promise<number | null>
}

export type StartOptions = {
  readonly binary: ServerBinary
  readonly stateDir: string
  readonly port: number
  /** The address to listen at; loopback unless told otherwise. Wider needs a configuration with TLS and users. */
  readonly host?: string | undefined
  /** The configuration; the nats.conf of this package unless told otherwise. */
  readonly config?: string | undefined
  readonly say?: (line: string) => void
  /** How long it may take until it is ready. Restoring a large log takes a while. */
  readonly patienceMs?: number
  /** Ends the start: what was begun, or adopted, is ended too. */
  readonly signal?: AbortSignal | undefined
}

type Running = Remembered & { readonly exited: Promise<number | null>; readonly log: string; readonly logFrom: number }

/**
 * Starts nats-server with its log under `stateDir`, or adopts the one that an earlier, killed start left there.
 * It outlives this process if that is killed. Until it is stopped, or ends, nobody else can start one in `stateDir`.
 */
export const startServer = async (options: StartOptions): Promise<Server> => {
  const { say = () => {}, patienceMs = 60_000, signal = new AbortController().signal } = options
  const home = resolve(options.stateDir, 'nats')
  await mkdir(home, { recursive: true })
  const lock = await takeLock(join(home, 'server.lock'), `The nats-server of ${home}`, say)
  try {
    const left = await leftBehind(home, say)
    if (left && left.port !== options.port)
      say(`It listens on port ${left.port}, not ${options.port}: using ${left.port}`)
    signal.throwIfAborted()
    const running = left ?? (await launch(home, options))
    const end = async () => {
      await endProcess(running)
      // By now another process may have started another one here.
      if ((await recall(home))?.name === running.name) await rm(join(home, 'server.json'), { force: true })
    }
    await untilReady(running, patienceMs, say, signal).catch(async (reason) => {
      if (!left || signal.aborted) await end()
      throw reason
    })
    const exited = running.exited.finally(lock.release)
    const stop = async () => {
      await end()
      await exited
    }
    const { port, pid } = running
    return { url: await urlOf(running), port, pid, adopted: left !== null, exited, stop }
  } catch (reason) {
    await lock.release()
    throw reason
  }
}

/** The server that server.json names, if it is running and really ours. */
const leftBehind = async (home: string, say: (line: string) => void): Promise<Running | null> => {
  const remembered = await recall(home)
  if (!remembered) return null
  const command = await readFile(`/proc/${remembered.pid}/cmdline`, 'utf8').catch(() => null)
  const ours = (await lives(remembered)) && (command === null || command.split('\0').includes(home))
  const which = `the nats-server of an earlier start (process ${remembered.pid})`
  say(ours ? `Adopting ${which}` : `${which[0]!.toUpperCase()}${which.slice(1)} is gone: starting a new one`)
  if (!ours) return null
  return { ...remembered, exited: gone(remembered), log: join(home, 'server.log'), logFrom: 0 }
}

const launch = async (home: string, options: StartOptions): Promise<Running> => {
  const { binary, port, host = loopback, config = ownConfig() } = options
  if (!isLoopback(host) && options.config === undefined) throw exposed(host)
  const greeting = await greet(port, reached(host))
  if (greeting !== 'nobody') {
    const isNats = greeting !== 'stranger'
    const kind = isNats ? `a NATS server (${greeting.version})` : 'another program'
    throw faults.portTaken(port, { kind, isNats, ...(await listenerOn(port)) })
  }
  await mkdir(join(home, 'jetstream'), { recursive: true }) // Not before: it says that there is a log.
  const log = join(home, 'server.log')
  const output = openSync(log, 'a')
  const logFrom = fstatSync(output).size
  const name = `millrace-${randomUUID().slice(0, 8)}`
  const flags = ['-c', resolve(config), '-n', name, '-a', host, '-p', `${port}`, '-sd', home] // It adds jetstream/.
  // A configuration that is to be read again names the server too: the server forgets then what -n said.
  const env = { ...process.env, [serverName]: name }
  const child = spawn(binary.path, flags, { cwd: home, env, detached: true, stdio: ['ignore', output, output] })
  closeSync(output)
  const ended = new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject))
  const pid = child.pid
  if (pid === undefined) throw faults.serverExited(await ended.then(String, reasonOf), log, '(nothing: it never began)')
  child.unref()
  // Written before anything is awaited: a kill right after the spawn must not lose the server.
  const about = { port, host, name, binary: binary.path }
  remember(home, { pid, birth: null, ...about })
  const remembered = { pid, birth: await birthOf(pid), ...about }
  remember(home, remembered)
  return { ...remembered, exited: ended.catch(() => null), log, logFrom }
}

/** The nats.conf that lies beside package.json, whether this runs from the sources or from dist. */
export const ownConfig = (): string => join(dirname(findPackageJSON(import.meta.url)!), 'nats.conf')

/** Resolves once this server, and no other on its port, answers JetStream requests. */
const untilReady = async (
  server: Running,
  patienceMs: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const { pid, exited, log, logFrom } = server
  const over = new AbortController()
  const answering = async () => {
    const [begun, pauses] = [performance.now(), [10, 20, 40, 80, 160]]
    for (let told = false; !over.signal.aborted; ) {
      const missing = await whatIsMissing(server)
      if (missing === null) return
      const waited = performance.now() - begun
      if (waited > patienceMs) throw faults.serverSilent(pid, patienceMs / 1000, log, missing)
      if (waited > 10_000 && !told) say(`nats-server (process ${pid}) is still starting: ${missing}; its log is ${log}`)
      told ||= waited > 10_000
      await sleep(pauses.shift() ?? 250)
    }
  }
  const ending = exited.then(async (code) => {
    const lines = (await readFile(log)).subarray(logFrom).toString().trimEnd().split('\n').slice(-15)
    throw faults.serverExited(code === null ? 'killed' : `exit code ${code}`, log, lines.join('\n'))
  })
  await orAborted(Promise.race([answering(), ending]), signal).finally(() => over.abort())
}

/** Asks the server to end, and after ten seconds insists. */
const endProcess = async (server: Running): Promise<void> => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await lives(server))) break
    send(signal, server.pid)
    const ended = new AbortController()
    const patience = sleep(10_000, 'late', { signal: ended.signal }).catch(() => 'ended')
    server.exited.finally(() => ended.abort())
    if ((await patience) === 'ended') break
  }
  await server.exited
}

const send = (signal: NodeJS.Signals, pid: number) => {
  try {
    process.kill(pid, signal)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause // It ended by itself just now.
  }
}
