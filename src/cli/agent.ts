import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { openLocal } from '#agents/local'
import { loadPipelines } from '#agents/pipelines/config'
import { runHost } from '#agents/pipelines/host'
import { reasonOf } from '#bus/fault'
import { takeLock } from '#bus/lock'
import { openPatiently } from './connect.ts'
import { openLog } from './log.ts'
import { type Common, connectionOf, withConnection } from './options.ts'
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
    .addHelpText('after', '\nExample:\n  millrace agent examples/file-transfer/leaf.ts --nats nats://127.0.0.1:4222')
    .action(async (config: string, options: Common & { name?: string; base?: string }) => {
      const signal = stopping()
      const configPath = resolve(config)
      const base = resolve(options.base ?? dirname(configPath))
      const pipelines = await loadPipelines(configPath, base)
      const host = options.name ?? hostNameOf(config)
      const state = hostState(options.state, host)
      const lock = await takeLock(state.lock, `The host ${host}`)
      const log = openLog(state.log)
      const bus = await openPatiently({ ...connectionOf(options), principal: host }, signal, (line) =>
        log('info', line),
      )
      const local = openLocal(state.local(bus.logId))
      process.send?.({ kind: 'connected', logId: bus.logId })
      try {
        await runHost({
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
      } catch (cause) {
        log('error', reasonOf(cause))
        throw cause
      } finally {
        await bus.close()
        local.close()
        await lock.release()
      }
    })
}
