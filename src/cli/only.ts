import { basename } from 'node:path'
import { Option } from 'commander'
import type { Pipeline } from '#agents/pipelines/shape'
import { Fault } from '#bus/fault'
import { nearestPart } from '#contracts/nearest'
import { check } from './child.ts'
import { readConfig } from './config.ts'
import { shown } from './print.ts'

/** `--only`: several hosts, each of its own name, share the pipelines of one config. */
export const onlyOption = (): Option =>
  new Option(
    '--only <node,...>',
    'run only these nodes of the config, by name or as <pipeline>/<node>; its other nodes run on other hosts, under other names',
  ).argParser((text: string) => text.split(',').map((word) => word.trim()))

/** The nodes that some words name in a config, each as `<pipeline>/<node>`; a fault where one names none, or several. */
export const partsNamed = (
  words: readonly string[],
  pipelines: readonly Pipeline[],
  config: string,
): ReadonlySet<string> => {
  const parts = pipelines.flatMap(({ name, stores, actions }) =>
    [...Object.keys(stores), ...Object.keys(actions)].map((node) => `${name}/${node}`),
  )
  return new Set(words.map((word) => partIn(word, parts, basename(config))))
}

const partIn = (word: string, parts: readonly string[], config: string): string => {
  const [only, ...others] = parts.filter((part) => part === word || part.endsWith(`/${word}`))
  if (only === undefined) throw new Fault('config.node', `${config} has no node '${word}'${nearestPart(word, parts)}`)
  if (others.length === 0) return only
  throw new Fault(
    'config.several',
    `Several pipelines of ${config} have a node ${word}. Say which: ${[only, ...others].join(', ')}`,
  )
}

/** What is to be known of the nodes that are started, where they are not all of a config's. */
export type Chosen = Awaited<ReturnType<typeof check>> & {
  readonly only: ReadonlySet<string>
  /** Whether there is a web process: where the metadata store is on another host, the console is there. */
  readonly web: boolean
}

/** Finds the nodes that are meant. The config is imported here only once another process has found that it can be. */
export const chosenIn = async (
  [config = '', ...others]: readonly string[],
  words: readonly string[],
  base: string,
  signal: AbortSignal,
): Promise<Chosen> => {
  if (others.length > 0)
    throw new Fault('config.only', `--only is for the nodes of one config; name ${[config, ...others].join(' or ')}`)
  const checked = await check([config], base, signal)
  const pipelines = await readConfig(config, base)
  const only = partsNamed(words, pipelines, config)
  const placed = pipelines.flatMap(({ name, stores }) =>
    Object.entries(stores).map(([node, one]) => ({ one, isHere: only.has(`${name}/${node}`) })),
  )
  const watched = placed.flatMap(({ one, isHere }) =>
    isHere && 'watch' in one && one.watch && one.kind !== 'resource' ? [shown(one.path)] : [],
  )
  const web = placed.every(({ one, isHere }) => isHere || one.kind !== 'metadata-store')
  const missing = checked.missing.filter(({ part }) => only.has(part))
  return { ...checked, watched, databases: web ? checked.databases : [], missing, only, web }
}
