import { relative } from 'node:path'
import { type Graph, type GraphNode, keepsFiles, type Retry } from '#contracts/pipeline'
import type { Action, Definition, Pipeline, RetryOption } from './shape.ts'

/** The pipeline's graph, as everybody else may know it; paths are relative to `folder`. What is not said is left out. */
export const graphOf = (pipeline: Pipeline, folder = '/'): Graph => {
  const qualify = (node: string) => (node.includes('/') ? node : `${pipeline.name}/${node}`)
  const metadata = Object.entries(pipeline.stores).find(([, { kind }]) => kind === 'metadata-store')?.[0]
  const ready = metadata === undefined ? [] : [qualify(metadata)]
  const stores = Object.entries(pipeline.stores).map(([store, one]) => storeNode(store, one, ready, folder))
  const actions = Object.entries(pipeline.actions).map(([node, one]) => actionNode(node, one, qualify))
  return {
    pipeline: pipeline.name,
    nodes: [...stores, ...actions],
    ...said({ concurrency: pipeline.concurrency, deadline: pipeline.deadline }),
  }
}

const storeNode = (name: string, one: Definition, ready: readonly string[], folder: string): GraphNode => ({
  name,
  kind: one.kind,
  after: keepsFiles(one.kind) ? [...ready] : [],
  next: [],
  ...said({
    description: one.description,
    watch: 'watch' in one ? one.watch : undefined,
    condition: 'trigger' in one ? true : undefined,
    path: 'path' in one ? relative(folder, one.path) : undefined,
    of: 'of' in one ? one.of : undefined,
  }),
})

const actionNode = (
  name: string,
  { after = [], next = [], description, join, retry, timeout, concurrency }: Action,
  qualify: (node: string) => string,
): GraphNode => ({
  name,
  kind: 'action',
  after: after.map(qualify),
  next: [...next],
  ...said({ description, join, retry: retryOf(retry), timeout, concurrency }),
})

/** Retries with all that was left unsaid. */
const retryOf = (option: RetryOption | undefined): Retry | undefined => {
  const {
    times,
    delay = 1_000,
    factor = 2,
    most = 60_000,
  } = typeof option === 'object' ? option : { times: option ?? 0 }
  return times > 0 ? { times, delay, factor, most: Math.max(most, delay) } : undefined
}

type Said<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

/** What has a value. */
const said = <T extends object>(given: T): Said<T> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Said<T>
