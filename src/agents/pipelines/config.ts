import { dirname, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { faults, reasonOf } from '#bus/fault'
import { mistakesOf } from '#contracts/all'
import { name, part } from '#contracts/names'
import type { Graph, GraphNode } from '#contracts/pipeline'
import { mistakesBetween } from './between.ts'
import { cycleIn, extentOf } from './graph.ts'
import { nearest } from './nearest.ts'
import type { Definition, Pipeline } from './shape.ts'

export { nearest }

const path = z.string().min(1)
const description = z.string().optional()
const aFunction = z.custom<() => unknown>((value) => typeof value === 'function', 'expected a function')

const definition = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('metadata-store'), path, description }),
  z.strictObject({
    kind: z.literal('filesystem-store'),
    path,
    watch: z.boolean(),
    description,
    settle: z.int().min(0).max(3_600_000).optional(),
    existing: z.enum(['offer', 'ignore']).optional(),
    trigger: aFunction.optional(),
  }),
  z.strictObject({ kind: z.literal('store-client'), of: part, path, description }),
  z.strictObject({ kind: z.literal('metadata-client'), of: part, description }),
])

const action = z.strictObject({
  kind: z.literal('action'),
  after: z.array(z.string()).optional(),
  next: z.array(part).optional(),
  description,
  execute: aFunction,
})

const shape = z.strictObject({ name, stores: z.record(name, definition), actions: z.record(name, action) })

/** What a web process answers to by itself: a node of such a name would have no page. */
const reserved = ['api', 'artifacts', 'console', 'health', 'ready', 'runs']

/** Imports a config and gives its pipelines, paths made absolute from `base`. A bad one is a fault that lists every mistake. */
export const loadPipelines = async (configPath: string, base?: string): Promise<Pipeline[]> => {
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
    return { exported, value, pipeline, graph: graphOf(pipeline, folder) }
  })
  // A pipeline may be exported under more than one name.
  const unique = pipelines.filter(({ value }, index) => pipelines.findIndex((one) => one.value === value) === index)
  const between = mistakesBetween(unique)
  if (between.length > 0) throw faults.badConfig(file, between)
  return unique.map(({ pipeline }) => pipeline)
}

const looksLikePipeline = (value: unknown): value is Pipeline =>
  typeof value === 'object' && value !== null && 'stores' in value && 'actions' in value

/** Every mistake in a pipeline, each with the path of its property. */
export const mistakesIn = (value: unknown): string[] => {
  const parsed = shape.safeParse(value)
  if (!parsed.success) return mistakesOf(parsed.error.issues)
  const pipeline = value as Pipeline
  const nodes = [...Object.keys(pipeline.stores), ...Object.keys(pipeline.actions)]
  const mistakes: string[] = []
  for (const node of nodes.filter((node) => reserved.includes(node)))
    mistakes.push(`${node in pipeline.stores ? 'stores' : 'actions'}.${node}: the web process has a page of this name`)
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
  const cycle = mistakes.length === 0 && cycleIn(extentOf(pipeline.name, new Map([[pipeline.name, graphOf(pipeline)]])))
  if (cycle) mistakes.push(`actions: a cycle: ${cycle.join(' -> ')}`)
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

/** The pipeline's graph, as everybody else may know it; paths are relative to `folder`. */
export const graphOf = (pipeline: Pipeline, folder = '/'): Graph => {
  const qualify = (node: string) => (node.includes('/') ? node : `${pipeline.name}/${node}`)
  const metadata = Object.entries(pipeline.stores).find(([, { kind }]) => kind === 'metadata-store')?.[0]
  const described = (text: string | undefined) => (text === undefined ? {} : { description: text })
  const stores = Object.entries(pipeline.stores).map(
    ([store, one]): GraphNode => ({
      name: store,
      kind: one.kind,
      after: one.kind === 'filesystem-store' && metadata ? [qualify(metadata)] : [],
      next: [],
      ...described(one.description),
      ...('watch' in one && { watch: one.watch }),
      ...('path' in one && { path: relative(folder, one.path) }),
      ...('of' in one && { of: one.of }),
    }),
  )
  const actions = Object.entries(pipeline.actions).map(
    ([node, { after = [], next = [], description: text }]): GraphNode => ({
      name: node,
      kind: 'action',
      after: after.map(qualify),
      next: [...next],
      ...described(text),
    }),
  )
  return { pipeline: pipeline.name, nodes: [...stores, ...actions] }
}
