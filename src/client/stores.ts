import type { Bus } from '#bus/bus'
import { Fault } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { nearestPart } from '#contracts/nearest'
import { type Graphs, knownPipelines } from './known.ts'

export type Store = { readonly pipeline: string; readonly node: string }

/** A store by its whole name. */
export const partOf = ({ pipeline, node }: Store): string => `${pipeline}/${node}`

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
    nodes.filter(({ kind }) => !others.has(kind)).map(({ name }) => `${pipeline}/${name}`),
  )

/** Refuses the name of a store that no known pipeline has; clients count, for copies lie there. */
export const mustBeStore = (graphs: Graphs, word: string): void => {
  const clients = [...graphs.values()].flatMap(({ pipeline, nodes }) =>
    nodes.filter(({ kind }) => kind === 'store-client').map(({ name }) => `${pipeline}/${name}`),
  )
  const stores = storesIn(graphs)
  const isMeant = (store: string) => store === word || store.endsWith(`/${word}`)
  if (![...stores, ...clients].some(isMeant)) throw unknownStore(word, stores)
}

/** Kinds of node that keep no files of their own. */
const others: ReadonlySet<string> = new Set(['metadata-store', 'metadata-client', 'store-client', 'action'])

/** What is said of a store that no pipeline has. */
export const unknownStore = (word: string, stores: readonly string[]): Fault =>
  new Fault(
    'store.unknown',
    `No pipeline has a store ${word}${stores.length > 0 ? nearestPart(word, stores) : '; none is known. See: millrace up'}`,
  )

/** Throws what was thrown; where nobody answers for a store that no pipeline has, a fault that names those there are. */
export const orUnknownStore =
  (bus: Bus, store: Store) =>
  async (cause: unknown): Promise<never> => {
    if (!(cause instanceof Fault && cause.code === 'bus.no-owner')) throw cause
    const stores = storesIn(await knownPipelines(bus).catch((): Graphs => new Map()))
    const named = partOf(store)
    if (stores.length === 0 || stores.includes(named)) throw cause
    throw unknownStore(named, stores)
  }
