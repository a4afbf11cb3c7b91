import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { aborted } from '#bus/abort'
import { connectionOf, defaultPort } from '#bus/connection-of'
import { Fault, reasonOf } from '#bus/fault'
import { check, isOfChild, supervise } from './child.ts'
import { openPatiently, tellConnection } from './connect.ts'
import { type Chosen, chosenIn, onlyOption } from './only.ts'
import { type Common, inUrl, keepBytes, logLevel, port, withConnection } from './options.ts'
import { print as say } from './print.ts'
import { claimAll, untilClosed } from './running.ts'
import { freePort, serverFor } from './server.ts'
import { stopping } from './signals.ts'
import { storyOf } from './story.ts'
import { type Plan, planOf } from './together.ts'

type Options = Common & {
  readonly host: string
  readonly port?: number
  readonly natsPort: number
  readonly natsHost?: string
  readonly ephemeral?: boolean
  readonly name?: string
  readonly base?: string
  readonly only?: readonly string[]
  readonly demonstration: boolean
  readonly logFile?: string
  readonly logLevel: string
  readonly keepBytes: number
}

export const upVerb = (program: Command): void => {
  withConnection(program.command('up <config>'))
    .description('start what a config, or a folder of configs, names: a server, agents, web processes')
    .option('--host <address>', 'the address that web processes listen at', '127.0.0.1')
    .option('--port <port>', 'the port of the first web process', port)
    .option('--nats-port <port>', 'the port of a server that is started here', port, defaultPort)
    .option('--nats-host <address>', 'the address it listens at; other than loopback needs millrace certs')
    .option('--name <name>', 'the name of the host; by default <hostname>-<config>')
    .option('--base <folder>', "where the configs' relative paths begin; by default their own folder")
    .addOption(onlyOption())
    .option('--no-demonstration', 'do nothing by itself: only wait for what arrives')
    .option('--log-file <file>', 'where log lines of agents go as JSON; by default files under the state folder')
    .addOption(keepBytes())
    .addOption(logLevel())
    .addOption(
      new Option(
        '--ephemeral',
        'keep log, stores and databases in a temporary folder, with a server of its own, and remove it at the end',
      ).conflicts(['nats', 'creds']),
    )
    .addHelpText('after', '\nExample:\n  millrace up examples/file-transfer')
    .action(async (target: string, given: Options, command: Command) => {
      const signal = stopping()
      const isNamed = command.getOptionValueSource('natsPort') === 'cli'
      const options = given.ephemeral && !isNamed ? { ...given, natsPort: await freePort() } : given
      const plan = await planOf(target, options.port)
      const folder = options.ephemeral ? mkdtempSync(join(tmpdir(), 'millrace-')) : undefined
      if (folder) process.on('exit', () => remove(folder))
      const state = folder ?? resolve(options.state)
      const base = folder ?? resolve(options.base ?? plan.folder)
      const configs = plan.hosts.map(({ config }) => config)
      const alone = configs.length === 1 ? options.name : undefined
      const chosen = options.only && (await chosenIn(configs, options.only, base, signal))
      const consoleAt = (port: number) => ({ port, url: urlOf(options.host, port) })
      const noConsole = () => ({ port: 0, url: 'no console' })
      const placed = chosen?.web === false ? noConsole : consoleAt
      const starting = plan.hosts.map(({ config, port }) => ({ config, host: alone, ...placed(port) }))
      let hasBegun = false
      const release = await claimAll(state, options.host, starting, signal, say)
      try {
        const { watched, databases, doubts, missing } = chosen ?? (await check(configs, base, signal))
        for (const line of [...doubts, ...missing.map(({ said }) => said)]) say(line)
        await untilClosed(databases, signal)
        hasBegun = true
        await start({ ...plan, watched, chosen }, { ...options, state }, base, signal)
        say(`Everything is stopped${folder ? '' : '; the next start goes on where the log is'}`)
      } catch (cause) {
        if (!signal.aborted && hasBegun) say('Everything is stopped, as it could not go on. The reason:')
        throw cause
      } finally {
        await release()
      }
    })
}

/** Removes a temporary folder, whatever the end was: first ends the server whose log lies there, if it still runs. */
const remove = (folder: string): void => {
  try {
    const { pid } = JSON.parse(readFileSync(join(folder, 'nats/server.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was stopped in good order, or never started.
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 })
}

/** What is started, if it is not all of it, and the folders in which a file starts a run. */
type Known = Plan & { readonly watched: readonly string[]; readonly chosen: Chosen | undefined }

const urlOf = (host: string, at: number): string => `https://${inUrl(host)}:${at}`

const start = async (plan: Known, options: Options, base: string, signal: AbortSignal): Promise<void> => {
  const server = await serverFor(options, say, signal)
  const isNews = (cause: unknown) =>
    cause instanceof Fault && cause.code.startsWith('log.') && !isOfChild(cause) && !signal.aborted
  try {
    for (let demonstration = options.demonstration; ; demonstration = false) {
      try {
        await runAll(plan, { ...options, nats: server.url, demonstration }, base, signal)
        break
      } catch (cause) {
        if (!isNews(cause)) throw cause
        say(`${reasonOf(cause)}\nEverything is started again, on the log as it is now`)
      }
    }
  } finally {
    await server.stop()
  }
}

/** Runs every agent and web process of a plan on a server that answers, and tells what happens. */
const runAll = async (
  plan: Known,
  options: Options & { readonly nats: string },
  base: string,
  signal: AbortSignal,
): Promise<void> => {
  const broken = new AbortController()
  const ending = AbortSignal.any([signal, broken.signal])
  const bus = await openPatiently({ ...connectionOf(options), principal: 'up' }, signal, say)
  const head = await bus.head()
  const children = childrenOf(plan, options, base, ending)
  for (const { ended } of children) ended.catch((cause: unknown) => broken.abort(cause))
  // Before what removes their folder.
  const killAll = () => {
    for (const { kill } of children) kill()
  }
  process.prependListener('exit', killAll)
  const hasWeb = plan.chosen?.web ?? true
  const consoleUrl = hasWeb ? urlOf(options.host, plan.hosts[0]?.port ?? 0) : undefined
  const tell = bus.follow(
    { logId: bus.logId, sequence: head },
    ({ events }) => {
      for (const event of events) {
        const line = storyOf(event, consoleUrl)
        if (line) say(line)
      }
    },
    ending,
  )
  tell.catch((cause: unknown) => broken.abort(cause))
  void tellConnection(bus, options.nats, ending, say)
  try {
    await Promise.race([Promise.all(children.map(({ ready }) => ready)), aborted(ending)])
    if (!ending.aborted) {
      for (const { config, port } of hasWeb ? plan.hosts : []) say(`${basename(config)}: ${urlOf(options.host, port)}`)
      if (plan.chosen) say(`Of ${basename(plan.hosts[0]?.config ?? '')}, only: ${[...plan.chosen.only].join(', ')}`)
      if (plan.demonstrate && options.demonstration && !plan.chosen) say(await plan.demonstrate(base))
      const where = plan.watched.length > 0 ? `; drop a file into ${plan.watched.join(' or ')} for the next run` : ''
      say(`Ctrl-C stops everything${where}`)
    }
    await aborted(ending)
  } catch (cause) {
    broken.abort(cause) // The children are told to end before they are waited for.
  }
  if (signal.aborted) say('Stopping: agents finish what they can')
  await Promise.allSettled(children.map(({ ended }) => ended))
  process.off('exit', killAll)
  await Promise.allSettled([tell, bus.close()])
  if (broken.signal.aborted) throw broken.signal.reason
}

/** Starts the agents and the web process of each config; no web process where the metadata is kept on another host. */
const childrenOf = (plan: Known, options: Options & { readonly nats: string }, base: string, signal: AbortSignal) => {
  const credentials = options.creds ? ['--creds', resolve(options.creds)] : []
  const common = ['--nats', options.nats, ...credentials, '--state', options.state, '--base', base]
  const keeping = ['--keep-bytes', String(options.keepBytes / 86_400_000)]
  const logging = ['--log-level', options.logLevel, ...(options.logFile ? ['--log-file', options.logFile] : [])]
  return plan.hosts.flatMap(({ config, port }) => {
    const name = basename(config)
    const own = options.name && plan.hosts.length === 1 ? ['--name', options.name] : []
    const only = plan.chosen ? ['--only', [...plan.chosen.only].join(',')] : []
    const at = ['--host', options.host, '--port', String(port)]
    const agents = supervise(['agent', config, ...common, ...own, ...only, ...keeping, ...logging], {
      name: `agents of ${name}`,
      say,
      signal,
    })
    if (plan.chosen?.web === false) return [agents]
    return [agents, supervise(['web', config, ...common, ...at], { name: `web of ${name}`, say, signal })]
  })
}
