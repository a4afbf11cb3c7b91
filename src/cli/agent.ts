import { unwatchFile, watchFile } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { runHost } from '#agents/pipelines/host'
import { experimentAgents } from './agent-experiments.ts'
import { readConfig } from './config.ts'
import { asHost, type HostingOptions, withHosting } from './hosting.ts'
import { onlyOption, partsNamed } from './only.ts'
import { hostNameOf } from './state.ts'

type Options = HostingOptions & { readonly base?: string; readonly only?: readonly string[] }

export const agentVerb = (program: Command): void => {
  // What stands behind the name of a kind of agent is for that one.
  const agent = program.command('agent <config>').enablePositionalOptions()
  withHosting(agent, '<hostname>-<config>')
    .description('run the agents of a config on this machine: its stores and its actions')
    .option('--base <folder>', "where the config's relative paths begin; by default its own folder")
    .addOption(onlyOption())
    .addHelpText(
      'after',
      '\nExamples:\n  millrace agent examples/file-transfer/leaf.ts --nats nats://127.0.0.1:4222\n  millrace agent root.ts --name gpu --only retraining --creds gpu.creds.json    # its other nodes run elsewhere\n  millrace agent portal portal.yaml',
    )
    .action(async (config: string, options: Options) => {
      const configPath = resolve(config)
      const base = resolve(options.base ?? dirname(configPath))
      const pipelines = await readConfig(configPath, base)
      const only = options.only && partsNamed(options.only, pipelines, config)
      await asHost(options, hostNameOf(config), (started) => {
        tellChange(configPath, started.signal, (line) => started.log('warn', line))
        return runHost({ ...started, configPath, base, pipelines, only })
      })
    })
  experimentAgents(agent)
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
