import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { everyItem } from '#bus/pages'
import { patiently } from '#bus/patience'
import { readEvent } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import { sequenceOf, splitPart } from '#contracts/names'
import type { RunEvent } from '#contracts/run'
import { queryOf } from '#contracts/subjects'
import { parse, tags } from './asked.ts'
import type { Described } from './messages.ts'
import type { Execution } from './run.ts'
import type { Store } from './store.ts'
import type { clientOf } from './store-client.ts'
import type { Scheduled } from './worker.ts'

/** What a pipeline's nodes have, on this host, for a function that runs. */
export type Nodes = {
  readonly bus: Bus
  readonly outbox: Outbox
  readonly stores: ReadonlyMap<string, Store>
  readonly clients: ReadonlyMap<string, ReturnType<typeof clientOf>>
  /** The qualified metadata store that each metadata store or client is, or stands for. */
  readonly metadata: ReadonlyMap<string, string>
}

const args = {
  used: z.object({ path: z.string(), digest: z.string() }),
  save: z.object({ path: z.string(), draft: z.string(), overwrite: z.boolean().optional(), tags: tags.optional() }),
  path: z.object({ path: z.string() }),
  tag: z.object({ path: z.string(), tags }),
  upload: z.object({ path: z.string(), draft: z.string(), tags: tags.optional() }),
  metrics: z.object({ key: z.string().optional(), run: z.int().optional() }),
}

/** Does for one execution what its function asks for; everything it records says which execution it was. */
export const servicesFor = (
  { bus, outbox, stores, clients, metadata }: Nodes,
  event: Scheduled,
  { part, attempt, delivery }: Execution,
  waiting: (reason: string) => void,
) => {
  const run = `${event.address.scope}/${event.address.key}`
  const by = { run, part, attempt }
  const { pipeline, node: action } = splitPart(part)

  const note = (aggregate: string, type: string, data: object): void => {
    outbox.post({ address: { aggregate, scope: pipeline, key: action }, type, data, causedBy: event })
  }

  const storeOf = (node: string): Store => {
    const store = stores.get(node)
    if (!store) throw faults.noStore(`${pipeline}/${node}`)
    return store
  }

  const query = (view: string, node: string, body: object, signal: AbortSignal): Promise<unknown> => {
    const { pipeline: scope } = splitPart(metadata.get(node) ?? '/')
    return patiently(
      () => bus.request(queryOf(view, scope, bus.principal), body),
      signal,
      (reason) => waiting(`waiting for the metadata of ${scope}: ${reason}`),
    )
  }

  return async (node: string, verb: string, given: unknown, signal: AbortSignal): Promise<unknown> => {
    const client = clients.get(node)
    const doing = { by, delivery, causedBy: event, signal, waiting }
    switch (verb) {
      case 'used':
        return note('artifact', 'artifact.used', { store: storeOf(node).part, ...parse(args.used, verb, given), by })
      case 'save': {
        const { draft, path, overwrite, tags: some } = parse(args.save, verb, given)
        return storeOf(node).admit(draft, path, { how: 'saved', by, delivery, overwrite, tags: some, causedBy: event })
      }
      case 'open':
        return storeOf(node).find(parse(args.path, verb, given).path)
      case 'list':
        return client ? client.list(doing) : storeOf(node).list()
      case 'tag': {
        const { path, tags: some } = parse(args.tag, verb, given)
        return storeOf(node).tag(path, some, event)
      }
      case 'download':
        return client?.download(parse(args.path, verb, given).path, doing)
      case 'upload': {
        const { draft, path, tags: some } = parse(args.upload, verb, given)
        return client?.upload(draft, path, { ...doing, tags: some })
      }
      case 'metric':
        return note('tracking', 'tracking.metric-logged', { ...(given as object), run, by })
      case 'param':
        return note('tracking', 'tracking.param-logged', { ...(given as object), run, by })
      case 'runTag':
        return note('tracking', 'tracking.tagged', { ...(given as object), run, by })
      case 'run':
        return query('run', node, { run: Number(event.address.key), only: 'nodes', after: event.position }, signal)
      case 'metrics':
        return everyItem((page) => query('metrics', node, { ...parse(args.metrics, verb, given), ...page }, signal))
      default:
        throw new TypeError(`No function can ask for '${verb}'`)
    }
  }
}

/** What a run was offered by this pipeline's watched stores: the newest bytes of each path that is still there. */
export const inputsOf = async (
  { bus, stores }: Pick<Nodes, 'bus' | 'stores'>,
  event: Scheduled,
): Promise<Record<string, Described[]>> => {
  const { pipeline } = splitPart(event.data.part)
  const [first] = (await bus.read(event.address)).events
  const reading = first && readEvent(first)
  const planned = reading?.kept ? (reading.event as unknown as RunEvent) : undefined
  const inputs: Record<string, Described[]> = {}
  if (planned?.type !== 'run.planned') return inputs
  for (const { resource, after, upTo } of planned.data.offers) {
    const { pipeline: scope, node } = splitPart(resource)
    const store = stores.get(node)
    if (scope !== pipeline || !store) continue
    const { events } = await bus.read({ aggregate: 'artifact', scope, key: node }, sequenceOf(after))
    const files = new Map<string, Described>()
    for (const recorded of events) {
      const fact = readEvent(recorded)
      if (!fact.kept || recorded.sequence > sequenceOf(upTo)) continue
      const { type, data } = fact.event as unknown as ArtifactEvent
      if (type === 'artifact.gone') files.delete(data.path)
      if (type === 'artifact.detected')
        files.set(data.path, {
          path: data.path,
          digest: data.digest,
          size: data.size,
          file: `${store.root}/${data.path}`,
        })
    }
    inputs[node] = [...files.values()]
  }
  return inputs
}
