import { nearest } from '#agents/pipelines/config'
import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { type Graphs, knownPipelines } from './known.ts'

type Store = { readonly pipeline: string; readonly node: string }

/** The store a word names: `<pipeline>/<store>`, or the store alone where only one known pipeline has it. */
export const storeNamed = async (bus: Bus, word: string): Promise<Store> => {
  const { pipeline, node } = splitPart(word)
  if (pipeline && node) return { pipeline, node }
  if (word.includes('/')) throw new Fault('contract.store', `'${word}' is no store: use <pipeline>/<store>`)
  return storeIn(await knownPipelines(bus), word)
}

/** The store of a name among known pipelines; throws where none has it, or several have. */
export const storeIn = (graphs: Graphs, word: string): Store => {
  const stores = storesIn(graphs)
  const [only, ...others] = stores.filter((store) => store === word || store.endsWith(`/${word}`))
  if (!only) throw unknownStore(word, stores)
  if (others.length > 0)
    throw new Fault(
      'config.several',
      `Several pipelines have a store ${word}. Say which: ${[only, ...others].join(', ')}`,
    )
  return splitPart(only) as Store
}

/** Every store of files that a known pipeline has, with its pipeline. */
export const storesIn = (graphs: Graphs): readonly string[] =>
  [...graphs.values()].flatMap(({ pipeline, nodes }) =>
    nodes.filter(({ kind }) => kind === 'filesystem-store').map(({ name }) => `${pipeline}/${name}`),
  )

/** What is said of a store that no pipeline has. */
export const unknownStore = (word: string, stores: readonly string[]): Fault =>
  new Fault(
    'store.unknown',
    `No pipeline has a store ${word}${stores.length > 0 ? nearest(word, stores) : '; none is known. See: millrace up'}`,
  )
