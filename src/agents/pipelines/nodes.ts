import type { Bus } from '#bus/bus'
import { knownIn } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import { splitPart } from '#contracts/names'
import { keepsFiles } from '#contracts/pipeline'
import type { Local } from '../local.ts'
import { lookForAbsent } from './absent.ts'
import type { Trader } from './exchange.ts'
import { pollResource } from './poll.ts'
import { openResource } from './resource-child.ts'
import type { Nodes } from './services.ts'
import type { Definition, Pipeline, Trigger } from './shape.ts'
import type { Source } from './source.ts'
import { openStore, type Store } from './store.ts'
import { clientOf } from './store-client.ts'
import { watchStore } from './watch.ts'

/** How long size and time of a file must stand still unless the store says otherwise, in milliseconds. */
const settle = 500

/** How long a watched resource rests between two looks unless it says otherwise, in milliseconds. */
const every = 5_000

/** What a host knows of where a pipeline comes from, and keeps. */
type Place = {
  readonly configPath: string
  readonly base: string
  readonly local: Local
  readonly say: (line: string) => void
}

/** The condition of a store that starts runs, if it has one. */
export const triggerOf = (one: Definition | undefined): Trigger | undefined =>
  one && 'watch' in one && one.watch ? one.trigger : undefined

/** The pipeline's stores and clients on this host. */
export const openNodes = async (
  trader: Trader,
  pipeline: Pipeline,
  { configPath, base, local, say }: Place,
): Promise<Nodes & Pick<Place, 'say'>> => {
  const stores = new Map<string, Store>()
  const sources = new Map<string, Source>()
  const clients = new Map<string, ReturnType<typeof clientOf>>()
  const metadata = new Map<string, string>()
  for (const [node, definition] of Object.entries(pipeline.stores)) {
    const { kind } = definition
    const part = `${pipeline.name}/${node}`
    if (kind === 'metadata-store') metadata.set(node, part)
    else if (kind === 'metadata-client') metadata.set(node, definition.of)
    else {
      const about = { part, configPath, base, signal: trader.signal, say: (line: string) => say(`${part}: ${line}`) }
      const source = kind === 'resource' ? openResource(about) : undefined
      if (source) sources.set(node, source)
      const options = keepsFiles(kind) ? { kind, source } : {}
      const store = await openStore(part, definition.path, local, trader.outbox, options)
      stores.set(node, store)
      if (kind === 'store-client') clients.set(node, clientOf(trader, store, definition.of))
    }
  }
  return { bus: trader.bus, outbox: trader.outbox, stores, sources, clients, metadata, say }
}

/**
 * Of a store that another host ran, or this one with another disk, what was said last of its folder holds until this one says
 * otherwise. Other facts may have come since: all are read, which is done once, as from then on they are this host's.
 */
const takeOver = async (bus: Bus, { part, index }: Store): Promise<void> => {
  const { pipeline: scope, node: key } = splitPart(part)
  const address = { aggregate: 'artifact', scope, key }
  const last = await bus.last(address).catch(() => undefined) // While the bus is away, nothing is known.
  if (!last || (last.source === bus.principal && index.begun())) return
  const said = (await bus.read(address)).events.findLast(({ type }) => type.startsWith('artifact.source-'))
  const event = said && knownIn<ArtifactEvent>(said)
  index.takeOver(event?.type === 'artifact.source-failing' ? event.data.reason : undefined)
}

/**
 * Watches a node until `signal` aborts. Resolves when what lay there at the start has been looked at. Of a folder that is not to be
 * watched, it is looked once which files are gone.
 */
export const watchNode = async (
  { bus, stores, sources, say }: Pick<Nodes, 'bus' | 'stores' | 'sources'> & Pick<Place, 'say'>,
  node: string,
  one: Definition,
  signal: AbortSignal,
): Promise<readonly Promise<void>[]> => {
  const [store, source] = [stores.get(node), sources.get(node)]
  if (!store || !('watch' in one)) return []
  const telling = { say: (line: string) => say(`${store.part}: ${line}`), signal }
  if (!one.watch) return one.kind === 'resource' ? [] : [lookForAbsent(store, telling)]
  await takeOver(bus, store)
  const about = { ignoreExisting: one.existing === 'ignore', ...telling }
  if (one.kind === 'resource')
    return source ? [pollResource(store, source, { every: one.every ?? every, ...about })] : []
  const { ended } = await watchStore(store, { settle: one.settle ?? settle, hidden: one.hidden, ...about })
  return [ended]
}
