import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Fact, Outbox } from '#bus/outbox'
import { everyItem } from '#bus/pages'
import { patiently } from '#bus/patience'
import { splitPart } from '#contracts/names'
import { queryOf } from '#contracts/subjects'
import { measurement } from '#contracts/tracking'
import { arrivedIn } from './arrivals.ts'
import { parse, tags } from './asked.ts'
import type { Assignment, Described } from './messages.ts'
import { asViewed, type Filter, type MetadataRead, metadataReadOf } from './metadata-reads.ts'
import { notingFor } from './noting.ts'
import { planOf } from './plan-of.ts'
import type { Execution } from './run-state.ts'
import type { Scheduled } from './scheduled.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'
import type { clientOf } from './store-client.ts'
import type { StoreElsewhere } from './store-elsewhere.ts'
import { type StoreUse, usedHere } from './store-use.ts'

/** What a pipeline's nodes have, on this host, for a function that runs. */
export type Nodes = {
  readonly bus: Bus
  readonly outbox: Outbox
  readonly stores: ReadonlyMap<string, Store>
  /** Stores of the pipeline that lie on other hosts, as one execution uses them. */
  readonly elsewhere?: ReadonlyMap<string, StoreElsewhere>
  /** What some of them mirror. */
  readonly sources: ReadonlyMap<string, Source>
  readonly clients: ReadonlyMap<string, ReturnType<typeof clientOf>>
  /** The qualified metadata store that each metadata store or client is, or stands for. */
  readonly metadata: ReadonlyMap<string, string>
  /** Whether all metadata there is is of the one run: a rehearsal of a pipeline whose runs another one would keep. */
  readonly isAlone?: boolean
}

const args = {
  used: z.object({ path: z.string(), digest: z.string() }),
  save: z.object({
    path: z.string(),
    draft: z.string(),
    overwrite: z.boolean().optional(),
    tags: tags.optional(),
    card: z.string().optional(),
  }),
  card: z.object({ path: z.string(), digest: z.string(), text: z.string(), overwrite: z.boolean().optional() }),
  path: z.object({ path: z.string() }),
  tag: z.object({ path: z.string(), tags }),
  upload: z.object({ path: z.string(), draft: z.string(), tags: tags.optional(), card: z.unknown().optional() }),
  logged: z.object({ metrics: z.array(z.object({ key: z.string(), value: measurement, step: z.int().optional() })) }),
}

/** Does for one execution what its function asks for; everything it records says which execution it was. */
export const servicesFor = (
  { bus, outbox, stores, elsewhere, clients, metadata, isAlone = false }: Nodes,
  event: Scheduled,
  { part, attempt, delivery }: Execution,
  waiting: (reason: string) => void,
  warn: (message: string) => void = () => undefined,
) => {
  const run = `${event.address.scope}/${event.address.key}`
  const by = { run, part, attempt }
  const { pipeline, node: action } = splitPart(part)

  const factOf = (aggregate: string, type: string, data: object): Fact => ({
    address: { aggregate, scope: pipeline, key: action },
    type,
    data,
    causedBy: event,
  })
  const note = (aggregate: string, type: string, data: object): void => {
    outbox.post(factOf(aggregate, type, data))
  }
  const noting = notingFor({ bus, metadata, isAlone }, by, warn)

  const storeOf = (node: string): StoreUse => {
    const store = stores.get(node)
    const use = store ? usedHere(store) : elsewhere?.get(node)
    if (!use) throw faults.noStore(`${pipeline}/${node}`)
    return use
  }

  const query = (view: string, node: string, body: object, signal: AbortSignal): Promise<unknown> => {
    const { pipeline: scope } = splitPart(metadata.get(node) ?? '/')
    return patiently(
      () => bus.request(queryOf(view, scope, bus.principal), body),
      signal,
      (reason) => waiting(`waiting for the metadata of ${scope}: ${reason}`),
    )
  }

  /** All of a list, page by page. What this function has recorded itself is among it. */
  const listed = async (read: MetadataRead, node: string, filter: Filter, signal: AbortSignal): Promise<unknown[]> => {
    await outbox.flushed(signal)
    const head = await patiently(bus.head, signal)
    const { pipeline: keeper } = splitPart(metadata.get(node) ?? '/')
    const asked = { ...asViewed(read, filter, keeper), after: `${bus.logId}.${head}` }
    return everyItem((page) => query(read.view, node, { ...asked, ...page }, signal))
  }

  return async (node: string, verb: string, given: unknown, signal: AbortSignal): Promise<unknown> => {
    const client = clients.get(node)
    const doing = { by, delivery, causedBy: event, signal, waiting }
    switch (verb) {
      case 'used':
        return note('artifact', 'artifact.used', { store: storeOf(node).part, ...parse(args.used, verb, given), by })
      case 'save': {
        const { draft, path, ...said } = parse(args.save, verb, given)
        return storeOf(node).save(draft, path, said, doing)
      }
      case 'card': {
        const { text, overwrite, ...of } = parse(args.card, verb, given)
        return storeOf(node).card(text, of, { overwrite }, doing)
      }
      case 'open':
        return storeOf(node).open(parse(args.path, verb, given).path, doing)
      case 'list':
        return (client ?? storeOf(node)).list(doing)
      case 'tag': {
        const { path, tags: some } = parse(args.tag, verb, given)
        return (client ?? storeOf(node)).tag(path, some, doing)
      }
      case 'download':
        return client?.download(parse(args.path, verb, given).path, doing)
      case 'upload': {
        const { draft, path, tags: some, card } = parse(args.upload, verb, given)
        return client?.upload(draft, path, { ...doing, tags: some }, card)
      }
      case 'metrics-logged': {
        const { metrics } = parse(args.logged, verb, given)
        return noting(node, (about) =>
          outbox.postAll(
            metrics.map((metric) => factOf('tracking', 'tracking.metric-logged', { ...metric, ...about })),
          ),
        )
      }
      case 'param':
        return noting(node, (about) => note('tracking', 'tracking.param-logged', { ...(given as object), ...about }))
      case 'runTag':
        return noting(node, (about) => note('tracking', 'tracking.tagged', { ...(given as object), ...about }))
      case 'run':
        return query('run', node, { run: Number(event.address.key), only: 'nodes', after: event.position }, signal)
      default: {
        const read = metadataReadOf(verb)
        if (!read) throw new TypeError(`No function can ask for '${verb}'`)
        return listed(read, node, parse(read.filter, verb, given), signal)
      }
    }
  }
}

/**
 * What an execution is given by its run: what the run was offered by this pipeline's watched stores, the newest bytes of each
 * path that is still there; of which run it repeats another, if it does, and which results of earlier runs it reuses.
 */
export const givenTo = async (
  { bus, stores, elsewhere }: Pick<Nodes, 'bus' | 'stores' | 'elsewhere'>,
  event: Scheduled,
): Promise<{ readonly inputs: Record<string, Described[]> } & Pick<Assignment['run'], 'repeats' | 'reused'>> => {
  const { pipeline } = splitPart(event.data.part)
  const planned = await planOf(bus, event.address)
  const inputs: Record<string, Described[]> = {}
  if (!planned) return { inputs }
  for (const { resource, after, upTo } of planned.offers) {
    const { pipeline: scope, node } = splitPart(resource)
    const root = stores.get(node)?.root ?? elsewhere?.get(node)?.root
    if (scope !== pipeline || root === undefined) continue
    const arrived = await arrivedIn(bus, resource, after, upTo)
    inputs[node] = [...arrived.values()].map((file) => ({ ...file, file: `${root}/${file.path}` }))
  }
  const repeats = planned.trigger.rerun?.run
  if (repeats === undefined) return { inputs }
  const reused = planned.nodes.flatMap((node) => (node.reused === undefined ? [] : [[node.part, node.reused] as const]))
  return { inputs, repeats, reused: Object.fromEntries(reused) }
}
