import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Pipeline } from '#agents/pipelines/shape'
import { readConfigs } from './config.ts'
import { hinderedFolders } from './folders.ts'
import { print, shown } from './print.ts'
import { type Missing, missingPrograms } from './programs.ts'

/** What the starter of a config must know of it. */
export type Checked = {
  readonly kind: 'checked'
  /** The folders in which a file starts a run. */
  readonly watched: readonly string[]
  /** The databases of its metadata stores. */
  readonly databases: readonly string[]
  /** What is no mistake, but hardly meant. */
  readonly doubts: readonly string[]
  /** Programs that are not on this machine. */
  readonly missing: readonly Missing[]
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
      const rows = [...read].map(([config, pipelines]) => {
        const folder = resolve(base ?? dirname(config))
        const missing = pipelines.flatMap((one) => missingPrograms(one, folder))
        const doubts = pipelines.flatMap((one) => [...doubtOf(one), ...hinderedFolders(one)])
        return { config, pipelines: pipelines.map(({ name }) => name), doubts, missing }
      })
      const stores = [...read.values()].flat().flatMap(({ stores }) => Object.values(stores))
      const watched = stores.flatMap((one) =>
        'watch' in one && one.watch && one.kind !== 'resource' ? [one.path] : [],
      )
      const databases = stores.flatMap((one) => (one.kind === 'metadata-store' ? [one.path] : []))
      const doubts = rows.flatMap((row) => row.doubts)
      const missing = rows.flatMap((row) => row.missing)
      const told: Checked = { kind: 'checked', watched: watched.map(shown), databases, doubts, missing }
      if (process.send) return void (await new Promise((resolve) => process.send?.(told, resolve)))
      for (const row of rows)
        print(json ? JSON.stringify(inJson(row)) : `${basename(row.config)} is well: ${row.pipelines.join(', ')}`)
      if (!json) for (const line of [...doubts, ...missing.map(({ said }) => said)]) print(line)
    })
}

type Row = Pick<Checked, 'doubts' | 'missing'> & { readonly config: string; readonly pipelines: readonly string[] }

/** What was found of one config, for programs; doubts where there are some. */
const inJson = ({ config, pipelines, doubts, missing }: Row) => {
  const all = [...doubts, ...missing.map(({ said }) => said)]
  return { config, pipelines, ...(all.length > 0 && { doubts: all }) }
}

/** A pipeline that watches a folder and of which no run can begin, as far as its own config says. */
const doubtOf = ({ name, stores, actions }: Pipeline): string[] => {
  const all = Object.values(stores)
  const watches = all.some((one) => 'watch' in one && one.watch)
  const named = Object.values(actions).flatMap(({ after = [], next = [] }) => [...after, ...next])
  const isJoined =
    all.some(({ kind }) => kind === 'metadata-store' || kind.endsWith('-client')) ||
    named.some((node) => node.includes('/') && !node.startsWith(`${name}/`))
  return isJoined || !watches
    ? []
    : [
        `${name} has no metadata store and names no other pipeline: it starts no run, whatever arrives. Add metadata: metadataStore({ path: './metadata.db' }), unless a pipeline elsewhere names its nodes`,
      ]
}
