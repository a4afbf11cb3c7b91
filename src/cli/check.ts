import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Pipeline } from '#agents/pipelines/shape'
import { readConfigs } from './config.ts'
import { print, shown } from './print.ts'

/** What the starter of a config must know of it. */
export type Checked = {
  readonly kind: 'checked'
  /** The folders in which a file starts a run. */
  readonly watched: readonly string[]
  /** The databases of its metadata stores. */
  readonly databases: readonly string[]
  /** What is no mistake, but hardly meant. */
  readonly doubts: readonly string[]
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
      const doubts = [...read.values()].flat().flatMap(doubtOf)
      const lines = rows.map(({ config, pipelines }) => `${basename(config)} is well: ${pipelines.join(', ')}`)
      const text = json ? rows.map((row) => JSON.stringify(row)) : lines
      const told: Checked = { kind: 'checked', watched: watched.map(shown), databases, doubts }
      if (process.send) await new Promise((resolve) => process.send?.(told, resolve))
      else for (const line of json ? text : [...text, ...doubts]) print(line)
    })
}

/** A pipeline that watches a folder and of which no run can begin, as far as its own config says. */
const doubtOf = ({ name, stores, actions }: Pipeline): string[] => {
  const all = Object.values(stores)
  const watches = all.some((one) => one.kind === 'filesystem-store' && one.watch)
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
