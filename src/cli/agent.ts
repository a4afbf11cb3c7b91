import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { openLocal } from '#agents/local'
import { runHost } from '#agents/pipelines/host'
import { connectionOf } from '#bus/connection-of'
import { Fault, faults, reasonOf } from '#bus/fault'
import type { Holder } from '#bus/lock'
import { claim } from './claim.ts'
import { readConfig } from './config.ts'
import { openPatiently, tellConnection } from './connect.ts'
import { type Level, openLog } from './log.ts'
import { onlyOption, partsNamed } from './only.ts'
import { type Common, keepBytes, logLevel, withConnection } from './options.ts'
import { print } from './print.ts'
import { stopping } from './signals.ts'
import { hostNameOf, hostState } from './state.ts'

/** The version of this package. */
export const version = (): string =>
  (
    JSON.parse(
      readFileSync(
        new URL(import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json', import.meta.url),
        'utf8',
      ),
    ) as { version: string }
  ).version

type Options = Common & {
  readonly name?: string
  readonly base?: string
  readonly only?: readonly string[]
  readonly logFile?: string
  readonly logLevel: Level
  readonly keepBytes: number
}

export const agentVerb = (program: Command): void => {
  withConnection(program.command('agent <config>'))
    .description('run the agents of a config on this machine: its stores and its actions')
    .option('--name <name>', 'the name of this host; by default <hostname>-<config>')
    .option('--base <folder>', "where the config's relative paths begin; by default its own folder")
    .addOption(onlyOption())
    .option('--log-file <file>', 'where log lines go as JSON; by default a file under the state folder')
    .addOption(keepBytes())
    .addOption(logLevel())
    .addHelpText(
      'after',
      '\nExamples:\n  millrace agent examples/file-transfer/leaf.ts --nats nats://127.0.0.1:4222\n  millrace agent root.ts --name gpu --only retraining --creds gpu.creds.json    # its other nodes run elsewhere',
    )
    .action(async (config: string, options: Options) => {
      const signal = stopping()
      const configPath = resolve(config)
      const base = resolve(options.base ?? dirname(configPath))
      const pipelines = await readConfig(configPath, base)
      const only = options.only && partsNamed(options.only, pipelines, config)
      const connection = connectionOf(options)
      const host = hostOf(connection.security?.principal, options.name) ?? hostNameOf(config)
      const state = hostState(options.state, host)
      const lock = await claim(state.lock, { what: `The host ${host}`, todo, patience: drainsWithin }, signal, print)
      const log = openLog(options.logFile ? resolve(options.logFile) : state.log, options.logLevel)
      const say = (line: string) => log('info', line)
      const bus = await openPatiently(
        { ...connection, principal: host, keepBytes: options.keepBytes },
        signal,
        say,
      ).catch(async (cause: unknown) => {
        await lock.release()
        throw cause
      })
      const local = openLocal(state.local(bus.logId))
      process.send?.({ kind: 'connected', logId: bus.logId })
      tellChange(configPath, signal, (line) => log('warn', line))
      const shutOut = bus.closed.then((cause) => Promise.reject(faults.shutOut(connection.url, cause)))
      try {
        const running = runHost({
          bus,
          configPath,
          base,
          pipelines,
          only,
          host,
          instance: state.instance(),
          version: version(),
          local,
          log,
          signal,
          ready: () => (process.send ? process.send({ kind: 'ready' }) : say(`${host} is ready at ${connection.url}`)),
        })
        if (!process.send) void tellConnection(bus, connection.url, signal, say)
        // A connection comes back by itself, unless the server no longer knows us.
        await Promise.race([running, shutOut])
      } catch (cause) {
        log.keep('error', reasonOf(cause)) // The terminal is told once, by whoever ends the process.
        throw cause
      } finally {
        await bus.close()
        local.close()
        await lock.release()
        await log.close()
      }
    })
}

/** Says once when a config is changed while it runs: what is used of it from then on depends on which process is started anew. */
const tellChange = (configPath: string, signal: AbortSignal, tell: (line: string) => void): void => {
  const changed = () => {
    unwatchFile(configPath, changed)
    tell(`${configPath} has been changed: stop this and start it again, so that all of it holds`)
  }
  watchFile(configPath, { interval: 2_000, persistent: false }, changed)
  signal.addEventListener('abort', () => unwatchFile(configPath, changed), { once: true })
}

/** How long an earlier process of the same host, whose starter was killed, may take to say that it drains; milliseconds. */
const drainsWithin = 5_000

const todo = ({ pid }: Holder): string =>
  `Stop it, with kill ${pid} or where it was started, or start this one with another --name`

/** The name of the host: the one that its credentials say, which its permissions pin, or the one that was given. */
const hostOf = (pinned: string | undefined, given: string | undefined): string | undefined => {
  if (pinned && given && pinned !== given)
    throw new Fault('config.name', `The credentials are those of ${pinned}: leave --name ${given} out, or get its own`)
  return pinned ?? given
}
