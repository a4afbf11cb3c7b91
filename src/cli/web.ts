import { basename, dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { graphOf } from '#agents/pipelines/graph-of'
import { connectionOf } from '#bus/connection-of'
import { nameFrom } from '#contracts/names'
import { readConfig } from './config.ts'
import { openPatiently, tellConnection } from './connect.ts'
import { type Common, port, withConnection } from './options.ts'
import { print } from './print.ts'
import { stopping } from './signals.ts'
import { hostNameOf } from './state.ts'

type Serving = Common & { host: string; port: number; base?: string; tokens?: string; as?: string }

const examples = `Example:
  millrace web examples/file-transfer/root.ts --port 8000
  millrace web --tokens tokens.json    # of experiments, without pipelines of its own

Tokens are made with: millrace tokens add <name>`

export const webVerb = (program: Command): void => {
  withConnection(program.command('web [config]'))
    .description('keep what can be read of the log, and serve it: HTTP, live updates, console')
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .option('--port <port>', 'the port to listen at', port, 8000)
    .option(
      '--tokens <file>',
      'those who may come in, each with the SHA-256 of a token; needed where others can reach it',
    )
    .addOption(new Option('--as <name>', 'in whose name its user asks, where there are no tokens').conflicts('tokens'))
    .option('--base <folder>', "where the config's relative paths begin; by default its own folder")
    .addHelpText('after', `\n${examples}`)
    .action(async (config: string | undefined, options: Serving) => {
      const signal = stopping()
      const serving = import('#http/web') // No other verb should wait for all that this one loads.
      const base = resolve(options.base ?? dirname(resolve(config ?? '.')))
      const pipelines = config === undefined ? [] : await readConfig(config, base)
      const name = config === undefined ? hostNameOf('web') : hostNameOf(config)
      const connection = { ...connectionOf(options, 'web'), principal: `web-${name}` }
      const bus = await openPatiently(connection, signal, print)
      const store = pipelines.flatMap(({ stores }) =>
        Object.values(stores).flatMap((one) => (one.kind === 'metadata-store' ? [one.path] : [])),
      )[0]
      const own = join(resolve(options.state), 'web', nameFrom(name), 'metadata.db')
      try {
        const { runWeb } = await serving
        if (!process.send) void tellConnection(bus, connection.url, signal, print)
        await runWeb({
          bus,
          graphs: pipelines.map((pipeline) => graphOf(pipeline, base)),
          metadataPath: store ?? own,
          host: options.host,
          port: options.port,
          stateDir: resolve(options.state),
          tokens: options.tokens && resolve(options.tokens),
          as: options.as && nameFrom(options.as),
          signal,
          say: print,
          ready: (url) =>
            process.send
              ? process.send({ kind: 'ready' })
              : print(`${config === undefined ? 'Experiments' : basename(config)}: ${url}`),
        })
      } finally {
        await bus.close()
      }
    })
}
