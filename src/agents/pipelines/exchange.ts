import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { problemsOf } from '#contracts/all'
import { by } from '#contracts/artifact'
import { digest, name, part, splitPart } from '#contracts/names'
import { askedBy, serviceOf, servicesOf } from '#contracts/subjects'
import { draft } from './folder.ts'
import { patiently } from './patience.ts'
import type { Listed } from './shape.ts'
import type { Arrival, Store } from './store.ts'

const path = z.string().min(1).max(4096)
const cause = z.object({ id: z.string(), correlationId: z.string() }).optional()

/** What can be asked of a store by whoever is not its host. */
const requests = {
  list: z.object({}),
  provide: z.object({ path }),
  receive: z.object({
    path,
    digest,
    host: name.describe('In whose bucket the bytes lie'),
    from: part,
    by: by.optional(),
    tags: z.record(z.string().min(1), z.string()).optional(),
    overwrite: z.boolean().optional(),
    cause,
  }),
} as const

type Provided = Listed & { readonly host: string }

/** What a host is to the exchange of bytes: its name is its bucket's. */
export type Trader = { readonly bus: Bus; readonly host: string; readonly outbox: Outbox; readonly signal: AbortSignal }

/** How often what killed uploads left in a bucket is swept, and how old it is by then; milliseconds. */
const sweptEvery = 3_600_000
const sweptAfter = 3_600_000

/** Keeps this host's bucket free of chunks that no object names, until `signal` aborts. */
export const sweepBucket = async ({ bus, host, signal }: Pick<Trader, 'bus' | 'host' | 'signal'>): Promise<void> => {
  while (!signal.aborted) {
    await bus.buckets.sweep(host, sweptAfter).catch(() => 0) // What can't be swept now is swept next time.
    await delay(sweptEvery, undefined, { signal }).catch(() => undefined)
  }
}

const streamOf = (file: string) => () =>
  Readable.toWeb(createReadStream(file, { highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array>

/** Answers for a store, until the host stops: what lies in it, bytes to be fetched, bytes to be taken in. */
export const serveStore = ({ bus, host, outbox, signal }: Trader, store: Store): Promise<void> => {
  const underWay = new Map<string, Promise<Listed>>()

  const provide = async (wanted: string): Promise<Provided> => {
    const { file, ...found } = await store.find(wanted)
    await bus.buckets.put(host, found.digest, streamOf(file))
    return { ...found, host }
  }

  const receive = (asked: z.infer<(typeof requests)['receive']>): Promise<Listed> => {
    const key = JSON.stringify([asked.path, asked.digest, asked.by])
    const running = underWay.get(key)
    if (running) return running
    const receiving = (async () => {
      const temporary = await draft(store.root, bus.buckets.get(asked.host, asked.digest, signal))
      const { file: _, ...listed } = await store.admit(temporary, asked.path, {
        how: 'uploaded',
        peer: asked.from,
        by: asked.by,
        tags: asked.tags,
        overwrite: asked.overwrite,
        causedBy: asked.cause,
      })
      await outbox.flushed()
      return listed
    })().finally(() => underWay.delete(key))
    underWay.set(key, receiving)
    return receiving
  }

  const { pipeline, node } = splitPart(store.part)
  return bus.serve(
    servicesOf(pipeline, node),
    async ({ subject, body }) => {
      const { verb } = askedBy(subject)
      switch (verb) {
        case 'list':
          return store.list()
        case 'provide':
          return provide(parse(requests.provide, verb, body).path)
        case 'receive':
          return receive(parse(requests.receive, verb, body))
        default:
          throw faults.unknownMessage(verb, Object.keys(requests))
      }
    },
    signal,
  )
}

const parse = <Schema extends z.ZodType>(schema: Schema, verb: string, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw faults.brokenContract(`store.${verb}`, problemsOf(parsed.error.issues))
  return parsed.data
}

type Doing = Pick<Arrival, 'by' | 'causedBy' | 'tags' | 'overwrite'> & {
  readonly signal: AbortSignal
  readonly waiting: (reason: string) => void
}

/** A client of a store of another pipeline: `folder` is the client's own, `of` the store it stands for. */
export const clientOf = ({ bus, host, outbox }: Trader, folder: Store, of: string) => {
  const { pipeline, node } = splitPart(of)
  const ask = async <T>(verb: keyof typeof requests, body: object, { signal, waiting }: Doing): Promise<T> =>
    (await patiently(
      () => bus.request(serviceOf(pipeline, node, verb, bus.principal), body, { timeout: 30_000 }),
      signal,
      (reason) => waiting(`waiting for the host of ${of}: ${reason}`),
    )) as T

  /** Fetches one artifact; resolves when it lies verified in the client's folder and the log says so. */
  const download = async (wanted: string, doing: Doing) => {
    const offered = await ask<Provided>('provide', { path: wanted }, doing)
    const temporary = await draft(folder.root, bus.buckets.get(offered.host, offered.digest, doing.signal))
    const { signal: _, waiting: __, ...arrival } = doing
    const admitted = await folder.admit(temporary, wanted, { how: 'downloaded', peer: of, ...arrival })
    await outbox.flushed()
    return admitted
  }

  /** Sends one artifact; resolves when it lies verified in the store and the log says so. */
  const upload = async (drafted: string, wanted: string, doing: Doing): Promise<Listed> => {
    const { signal: _, waiting: __, causedBy, ...arrival } = doing
    const kept = await folder.admit(drafted, wanted, { how: 'kept', ...arrival })
    await bus.buckets.put(host, kept.digest, streamOf(kept.file))
    const sent = { path: wanted, digest: kept.digest, host, from: folder.part, ...arrival }
    return ask<Listed>('receive', causedBy ? { ...sent, cause: pick(causedBy) } : sent, doing)
  }

  const list = (doing: Doing) => ask<readonly Listed[]>('list', {}, doing)

  return { download, upload, list }
}

const pick = ({ id, correlationId }: { readonly id: string; readonly correlationId: string }) => ({ id, correlationId })
