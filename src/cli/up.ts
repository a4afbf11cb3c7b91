import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { openBus } from '#bus/jetstream'
import { supervise } from './child.ts'
import { openPatiently } from './connect.ts'
import { keepServer } from './keep.ts'
import { type Common, connectionOf, defaultPort, localUrl, withConnection } from './options.ts'
import { stopping } from './signals.ts'
import { storyOf } from './story.ts'
import { type Plan, planOf } from './together.ts'

type Options = Common & {
  readonly host: string
  readonly port?: string
  readonly natsPort: string
  readonly natsHost?: string
  readonly ephemeral?: boolean
  readonly name?: string
  readonly base?: string
  readonly demonstration: boolean
  readonly logFile?: string
  readonly logLevel: string
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

export const upVerb = (program: Command): void => {
  withConnection(program.command('up <config>'))
    .description('start what a config, or a folder of configs, names: a server, agents, web processes')
    .option('--host <address>', 'the address that web processes listen at', '127.0.0.1')
    .option('--port <port>', 'the port of the first web process')
    .option('--nats-port <port>', 'the port of a server that is started here', String(defaultPort))
    .option('--nats-host <address>', 'the address it listens at; other than loopback needs millrace certs')
    .option('--name <name>', 'the name of the host; by default <hostname>-<config>')
    .option('--base <folder>', "where the configs' relative paths begin; by default their own folder")
    .option('--no-demonstration', 'do nothing by itself: only wait for what arrives')
    .option('--log-file <file>', 'where log lines of agents go as JSON; by default files under the state folder')
    .option('--log-level <level>', 'what is shown on the terminal: debug, info, warn or error', 'info')
    .option('--ephemeral', 'keep log, stores and databases in a temporary folder, and remove it at the end')
    .addHelpText('after', '\nExample:\n  millrace up examples/file-transfer')
    .action(async (target: string, options: Options) => {
      const signal = stopping()
      const plan = await planOf(target, options.port === undefined ? undefined : Number(options.port))
      const folder = options.ephemeral ? mkdtempSync(join(tmpdir(), 'millrace-')) : undefined
      try {
        await start(
          plan,
          { ...options, state: folder ?? resolve(options.state) },
          folder ?? resolve(options.base ?? plan.folder),
          signal,
        )
      } finally {
        if (folder) rmSync(folder, { recursive: true, force: true })
      }
    })
}

const start = async (plan: Plan, options: Options, base: string, signal: AbortSignal): Promise<void> => {
  const server = await serverFor(options)
  try {
    await runAll(plan, { ...options, nats: server.url }, base, signal)
  } finally {
    await server.stop()
  }
}

/** Runs every agent and web process of a plan on a server that answers, and tells what happens. */
const runAll = async (
  plan: Plan,
  options: Options & { readonly nats: string },
  base: string,
  signal: AbortSignal,
): Promise<void> => {
  const { nats: url } = options
  const broken = new AbortController()
  const ending = AbortSignal.any([signal, broken.signal])
  const bus = await openPatiently({ ...connectionOf(options), principal: 'up' }, signal, say)
  const credentials = options.creds ? ['--creds', resolve(options.creds)] : []
  const common = ['--nats', url, ...credentials, '--state', options.state, '--base', base]
  const logging = ['--log-level', options.logLevel, ...(options.logFile ? ['--log-file', options.logFile] : [])]
  const children = plan.hosts.flatMap(({ config, port }) => {
    const name = basename(config)
    const own = options.name && plan.hosts.length === 1 ? ['--name', options.name] : []
    const at = ['--host', options.host, '--port', String(port)]
    return [
      supervise(['agent', config, ...common, ...own, ...logging], { name: `agents of ${name}`, say, signal: ending }),
      supervise(['web', config, ...common, ...at], { name: `web of ${name}`, say, signal: ending }),
    ]
  })
  for (const { ended } of children) ended.catch((cause: unknown) => broken.abort(cause))
  process.on('exit', () => {
    for (const { kill } of children) kill()
  })
  const consoleUrl = `https://${options.host}:${plan.hosts[0]?.port}`
  const tell = bus.follow(
    { logId: bus.logId, sequence: await bus.head() },
    ({ events }) => {
      for (const event of events) {
        const line = storyOf(event, consoleUrl)
        if (line) say(line)
      }
    },
    ending,
  )
  tell.catch((cause: unknown) => broken.abort(cause))
  try {
    await Promise.race([Promise.all(children.map(({ ready }) => ready)), aborted(ending)])
    if (!ending.aborted) {
      for (const { config, port } of plan.hosts) say(`${basename(config)}: https://${options.host}:${port}`)
      if (plan.demonstrate && options.demonstration) say(await plan.demonstrate(base))
      say('Ctrl-C stops everything; drop a file into the watched folder for the next run')
    }
    await aborted(ending)
  } finally {
    if (signal.aborted) say('Stopping: agents finish what they can')
    await Promise.allSettled(children.map(({ ended }) => ended))
    await Promise.allSettled([tell, bus.close()])
  }
  if (broken.signal.aborted) throw broken.signal.reason
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** The server to use: the one that was named, else one that answers where ours would, else one of our own. */
const serverFor = async (options: Options): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> => {
  const named = options.nats ?? process.env.NATS_URL ?? options.creds
  if (named && !options.ephemeral) return { url: connectionOf(options).url, stop: async () => undefined }
  const port = options.ephemeral ? await freePort() : Number(options.natsPort)
  return keepServer(options.state, port, say, { host: options.natsHost }).catch(async (cause: unknown) => {
    const { code } = cause as { code?: string }
    if (code !== 'server.port-taken' && code !== 'lock.held') throw cause
    // `millrace nats` in another terminal, or the machine's own: used as it is, if it can be.
    const ours = connectionOf({ state: options.state })
    const there =
      code === 'lock.held' && ours.security ? ours : connectionOf({ state: options.state, nats: localUrl(port) })
    const bus = await openBus({ ...there, principal: 'up' }).catch(() => Promise.reject(cause))
    await bus.close()
    say(`Using the NATS server that answers at ${there.url}`)
    return { url: there.url, stop: async () => undefined }
  })
}

const freePort = (): Promise<number> =>
  new Promise((resolvePort, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolvePort(port))
    })
  })
