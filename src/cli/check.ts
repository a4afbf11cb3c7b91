import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfigs } from './config.ts'
import { shown } from './print.ts'

/** What the starter of a config must know of it. */
export type Checked = {
  readonly kind: 'checked'
  /** The folders in which a file starts a run. */
  readonly watched: readonly string[]
  /** The databases of its metadata stores. */
  readonly databases: readonly string[]
}

export const checkVerb = (program: Command): void => {
  program
    .command('check <config...>')
    .description('say what is wrong with configs; starts nothing')
    .option('--base <folder>', "where the configs' relative paths begin; by default their own folder")
    .option('--json', 'print JSON, for programs')
    .addHelpText('after', '\nExample:\n  millrace check examples/file-transfer/root.ts examples/file-transfer/leaf.ts')
    .action(async (configs: readonly string[], { base, json = false }: { base?: string; json?: boolean }) => {
      const read = await readConfigs(configs, base && resolve(base))
      const rows = [...read].map(([config, pipelines]) => ({ config, pipelines: pipelines.map(({ name }) => name) }))
      const stores = [...read.values()].flat().flatMap(({ stores }) => Object.values(stores))
      const watched = stores.flatMap((one) => (one.kind === 'filesystem-store' && one.watch ? [one.path] : []))
      const databases = stores.flatMap((one) => (one.kind === 'metadata-store' ? [one.path] : []))
      const told = rows.map(({ config, pipelines }) => `${basename(config)} is well: ${pipelines.join(', ')}`)
      const text = json ? rows.map((row) => JSON.stringify(row)) : told
      // A config may have begun something that would keep this process.
      const end = () => process.exit()
      if (process.send) process.send({ kind: 'checked', watched: watched.map(shown), databases } satisfies Checked, end)
      else process.stdout.write(`${text.join('\n')}\n`, end)
    })
}
