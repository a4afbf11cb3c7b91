import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { openLocal } from '#agents/local'
import { loadPipelines } from '#agents/pipelines/config'
import { runHost } from '#agents/pipelines/host'
import { Fault, faults, reasonOf } from '#bus/fault'
import { takeLock } from '#bus/lock'
import { openPatiently } from './connect.ts'
import { type Level, openLog } from './log.ts'
import { type Common, connectionOf, logLevel, withConnection } from './options.ts'
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

export const agentVerb = (program: Command): void => {
  withConnection(program.command('agent <config>'))
    .description('run the agents of a config on this machine: its stores and its actions')
    .option('--name <name>', 'the name of this host; by default <hostname>-<config>')
    .option('--base <folder>', "where the config's relative paths begin; by default its own folder")
    .option('--log-file <file>', 'where log lines go as JSON; by default a file under the state folder')
    .addOption(logLevel())
    .addHelpText('after', '\nExample:\n  millrace agent examples/file-transfer/leaf.ts --nats nats://127.0.0.1:4222')
    .action(
      async (config: string, options: Common & { name?: string; base?: string; logFile?: string; logLevel: Level }) => {
        const signal = stopping()
        const configPath = resolve(config)
        const base = resolve(options.base ?? dirname(configPath))
        const pipelines = await loadPipelines(configPath, base)
        const connection = connectionOf(options)
        const host = hostOf(connection.security?.principal, options.name) ?? hostNameOf(config)
        const state = hostState(options.state, host)
        const lock = await lockOf(state.lock, `The host ${host}`, signal)
        const log = openLog(options.logFile ? resolve(options.logFile) : state.log, options.logLevel)
        const say = (line: string) => log('info', line)
        const bus = await openPatiently({ ...connection, principal: host }, signal, say).catch(
          async (cause: unknown) => {
            await lock.release()
            throw cause
          },
        )
        const local = openLocal(state.local(bus.logId))
        process.send?.({ kind: 'connected', logId: bus.logId })
        const shutOut = bus.closed.then((cause) => Promise.reject(faults.shutOut(connection.url, cause)))
        try {
          const running = runHost({
            bus,
            configPath,
            base,
            pipelines,
            host,
            instance: state.instance(),
            version: version(),
            local,
            log,
            signal,
            ready: () => process.send?.({ kind: 'ready' }),
          })
          // A connection comes back by itself, unless the server no longer knows us.
          await Promise.race([running, shutOut])
        } catch (cause) {
          log.keep('error', reasonOf(cause)) // The terminal is told once, by whoever ends the process.
          throw cause
        } finally {
          await bus.close()
          local.close()
          await lock.release()
        }
      },
    )
}

/** How long an earlier process of the same host may take to end, in milliseconds: one whose starter was killed drains. */
const endsWithin = 15_000

/** Takes the lock of a host, as soon as whoever has it has ended. */
const lockOf = async (path: string, what: string, signal: AbortSignal): ReturnType<typeof takeLock> => {
  const until = performance.now() + endsWithin
  for (let told = false; ; told = true) {
    signal.throwIfAborted()
    try {
      return await takeLock(path, what)
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'lock.held') || performance.now() > until) throw cause
      if (!told) print(`${cause.message}. Waiting for ${endsWithin / 1000} s, as it may be ending`)
      await delay(100, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** The name of the host: the one that its credentials say, which its permissions pin, or the one that was given. */
const hostOf = (pinned: string | undefined, given: string | undefined): string | undefined => {
  if (pinned && given && pinned !== given)
    throw new Fault('config.name', `The credentials are those of ${pinned}: leave --name ${given} out, or get its own`)
  return pinned ?? given
}
