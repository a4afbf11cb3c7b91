import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { faults, reasonOf } from '#bus/fault'
import { mistakesOf } from '#contracts/all'
import { part } from '#contracts/names'
import { nearest } from '#contracts/nearest'
import { type Exported, mistakesBetween } from './between.ts'
import { pipelineShape } from './config-shape.ts'
import { extentOf, unrunnable } from './graph.ts'
import { graphOf } from './graph-of.ts'
import type { Definition, Pipeline } from './shape.ts'

/** What a web process answers to by itself: a node of such a name would have no page. */
const reserved = ['api', 'artifacts', 'console', 'health', 'hosts', 'ready', 'runs']

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
  const mistakes = candidates.flatMap(([exported, value]) =>
    mistakesIn(value).map((mistake) => `${exported}.${mistake}`),
  )
  if (mistakes.length > 0) throw faults.badConfig(file, mistakes)
  const folder = base ?? dirname(file)
  const pipelines = candidates.map(([exported, value]) => {
    const pipeline = withAbsolutePaths(value as Pipeline, folder)
    return { file, exported, value, pipeline, graph: graphOf(pipeline, folder) }
  })
  // A pipeline may be exported under more than one name.
  const unique = pipelines.filter(({ value }, index) => pipelines.findIndex((one) => one.value === value) === index)
  const between = mistakesBetween(unique)
  if (between.length > 0) throw faults.badConfig(file, between)
  return unique
}

const looksLikePipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' && value !== null && 'stores' in value && 'actions' in value

/** Every mistake in a pipeline, each with the path of its property. */
export const mistakesIn = (value: unknown): string[] => {
  const parsed = pipelineShape.safeParse(value)
  if (!parsed.success) return mistakesOf(parsed.error.issues)
  const pipeline = value as Pipeline
  const nodes = [...Object.keys(pipeline.stores), ...Object.keys(pipeline.actions)]
  const mistakes: string[] = []
  for (const node of nodes.filter((node) => reserved.includes(node)))
    mistakes.push(`${node in pipeline.stores ? 'stores' : 'actions'}.${node}: the web process has a page of this name`)
  for (const [store, one] of Object.entries(pipeline.stores))
    if ('watch' in one && one.trigger && !one.watch)
      mistakes.push(`stores.${store}.trigger: only a store with watch: true starts runs`)
  const own = (node: string) => (node.startsWith(`${pipeline.name}/`) ? node.slice(pipeline.name.length + 1) : node)
  for (const twice of Object.keys(pipeline.stores).filter((store) => store in pipeline.actions))
    mistakes.push(`actions.${twice}: a store has this name already`)
  for (const [node, { after = [], next = [] }] of Object.entries(pipeline.actions)) {
    after.forEach((before, index) => {
      if (own(before).includes('/') ? !part.safeParse(before).success : !nodes.includes(own(before)))
        mistakes.push(`actions.${node}.after.${index}: no node is called '${before}'${nearest(own(before), nodes)}`)
    })
    next.forEach((behind, index) => {
      if (behind.startsWith(`${pipeline.name}/`))
        mistakes.push(`actions.${node}.next.${index}: '${behind}' is of this pipeline: say it there, with after`)
    })
  }
  const alone = () => extentOf(pipeline.name, new Map([[pipeline.name, graphOf(pipeline)]]))
  const unfit = mistakes.length === 0 && unrunnable(alone())
  if (unfit) mistakes.push(`actions: ${unfit.reason}`)
  const stores = Object.values(pipeline.stores).filter(({ kind }) => kind === 'metadata-store')
  if (stores.length > 1) mistakes.push('stores: more than one metadata store: a pipeline has one at most')
  return mistakes
}

const withAbsolutePaths = (pipeline: Pipeline, folder: string): Pipeline => ({
  ...pipeline,
  stores: Object.fromEntries(
    Object.entries(pipeline.stores).map(([store, one]): [string, Definition] => [
      store,
      'path' in one ? { ...one, path: resolve(folder, one.path) } : one,
    ]),
  ),
})
