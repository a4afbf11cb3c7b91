import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { faults, reasonOf } from '#bus/fault'
import { type Exported, mistakesBetween } from './between.ts'
import { graphOf } from './graph-of.ts'
import { mistakesIn } from './mistakes.ts'
import type { Definition, Pipeline } from './shape.ts'

/** Imports a config and gives its pipelines, paths made absolute from `base`. A bad one is a fault that lists every mistake. */
export const loadPipelines = async (configPath: string, base?: string): Promise<Pipeline[]> =>
  (await loadExported(configPath, base)).map(({ pipeline }) => pipeline)

/** The same, each with the name that its config exports it under. */
export const loadExported = async (configPath: string, base?: string): Promise<Exported[]> => {
  const file = resolve(configPath)
  const module = await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw faults.unreadableConfig(file, reasonOf(cause), cause)
  })
  const candidates = Object.entries(module as Record<string, unknown>).filter(([, value]) => looksLikePipeline(value))
  if (candidates.length === 0) throw faults.emptyConfig(file, Object.keys(module as object))
  const looked = candidates.map(([exported, value]) => ({ exported, value, mistakes: mistakesIn(value) }))
  const folder = base ?? dirname(file)
  const pipelines = looked
    .filter(({ mistakes }) => mistakes.length === 0)
    .map(({ exported, value }) => {
      const pipeline = withAbsolutePaths(value as Pipeline, folder)
      return { file, exported, value, pipeline, graph: graphOf(pipeline, folder) }
    })
  // A pipeline may be exported under more than one name.
  const unique = pipelines.filter(({ value }, index) => pipelines.findIndex((one) => one.value === value) === index)
  const within = looked.flatMap(({ exported, mistakes }) => mistakes.map((mistake) => `${exported}.${mistake}`))
  const all = [...within, ...mistakesBetween(unique)]
  if (all.length > 0) throw faults.badConfig(file, all)
  return unique
}

const looksLikePipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' && value !== null && 'stores' in value && 'actions' in value

const withAbsolutePaths = (pipeline: Pipeline, folder: string): Pipeline => ({
  ...pipeline,
  stores: Object.fromEntries(
    Object.entries(pipeline.stores).map(([store, one]): [string, Definition] => [
      store,
      'path' in one ? { ...one, path: resolve(folder, one.path) } : one,
    ]),
  ),
})
