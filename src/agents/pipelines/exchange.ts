import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Bus, Request } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { by } from '#contracts/artifact'
import { digest, name, part, splitPart } from '#contracts/names'
import { askedBy, serviceOf, servicesOf } from '#contracts/subjects'
import { parse, tags } from './asked.ts'
import { draft } from './folder.ts'
import { type Page, pageOf } from './page.ts'
import { patiently } from './patience.ts'
import type { Listed } from './shape.ts'
import type { Arrival, Store } from './store.ts'
import { atMost } from './turns.ts'

const path = z.string().min(1).max(4096)
const eventId = z.string().regex(/^[\w.:-]{1,300}$/, 'use the id of an event')
const cause = z.object({ id: eventId, correlationId: eventId }).optional()

/** What can be asked of a store by whoever is not its host. */
const requests = {
  list: z.object({ after: path.optional() }),
  provide: z.object({ path }),
  receive: z.object({
    path,
    digest,
    host: name.describe('In whose bucket the bytes lie'),
    from: part,
    by: by.optional(),
    tags: tags.optional(),
    overwrite: z.boolean().optional(),
    cause,
  }),
} as const

type Provided = Listed & { readonly host: string }

/** How many artifacts a store hands out or takes in at once; others wait. */
const movedAtOnce = 8

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
  const limited = atMost(movedAtOnce)

  const provided = new Map<string, Promise<Provided>>()

  /** Whoever asks again for what is under way is told with the first: it takes no second place in the queue. */
  const provide = (wanted: string): Promise<Provided> => {
    const running = provided.get(wanted)
    if (running) return running
    const providing = limited(async () => {
      signal.throwIfAborted()
      const { file, ...found } = await store.find(wanted)
      await bus.buckets.put(host, found.digest, streamOf(file))
      return { ...found, host }
    }).finally(() => provided.delete(wanted))
    provided.set(wanted, providing)
    return providing
  }

  const receive = (
    asked: z.infer<(typeof requests)['receive']>,
    { principal, onBehalfOf, traceparent }: Request,
  ): Promise<Listed> => {
    const key = JSON.stringify([asked.path, asked.digest, asked.by])
    const running = underWay.get(key)
    if (running) return running
    const receiving = limited(async () => {
      signal.throwIfAborted()
      const temporary = await draft(store.root, bus.buckets.get(asked.host, asked.digest, signal))
      const { file: _, ...listed } = await store.admit(temporary, asked.path, {
        how: 'uploaded',
        peer: asked.from,
        by: asked.by,
        tags: asked.tags,
        overwrite: asked.overwrite,
        principal: onBehalfOf ?? principal, // Pinned by permissions; what the body says of the sender is not.
        causedBy: asked.cause && { ...asked.cause, ...(traceparent && { traceparent }) },
      })
      await outbox.flushed(signal)
      return listed
    }).finally(() => underWay.delete(key))
    underWay.set(key, receiving)
    return receiving
  }

  const answer = async (request: Request): Promise<unknown> => {
    const { subject, body } = request
    const { verb } = askedBy(subject)
    switch (verb) {
      case 'list':
        return pageOf(store, parse(requests.list, verb, body ?? {}).after)
      case 'provide':
        return provide(parse(requests.provide, verb, body).path)
      case 'receive':
        return receive(parse(requests.receive, verb, body), request)
      default:
        throw faults.unknownMessage(verb, Object.keys(requests))
    }
  }

  const { pipeline, node } = splitPart(store.part)
  return bus.serve(
    servicesOf(pipeline, node),
    (asked) =>
      answer(asked).catch((cause: unknown) => {
        // What breaks because this host stops is no answer: whoever asked asks the next one.
        throw signal.aborted ? faults.noOwner(asked.subject) : cause
      }),
    signal,
  )
}

type Doing = Pick<Arrival, 'by' | 'causedBy' | 'tags' | 'overwrite'> & {
  readonly signal: AbortSignal
  readonly waiting: (reason: string) => void
}

/** A client of a store of another pipeline: `folder` is the client's own, `of` the store it stands for. */
export const clientOf = ({ bus, host, outbox }: Trader, folder: Store, of: string) => {
  const { pipeline, node } = splitPart(of)
  const patient = <T>(attempt: () => Promise<T>, { signal, waiting }: Doing): Promise<T> =>
    patiently(attempt, signal, (reason) => waiting(`waiting for the host of ${of}: ${reason}`))

  const ask = async <T>(verb: keyof typeof requests, body: object, doing: Doing): Promise<T> => {
    const subject = serviceOf(pipeline, node, verb, bus.principal)
    const options = { timeout: 30_000, traceparent: doing.causedBy?.traceparent }
    return (await patient(() => bus.request(subject, body, options), doing)) as T
  }

  /** Has a store's host put the bytes into its bucket, and fetches them from there; from the start where that breaks. */
  const fetched = async (wanted: string, doing: Doing): Promise<string> => {
    const offered = await ask<Provided>('provide', { path: wanted }, doing)
    const bytes = () => bus.buckets.get(offered.host, offered.digest, doing.signal)
    return patient(() => draft(folder.root, bytes()), doing)
  }

  /** Fetches one artifact; resolves when it lies verified in the client's folder and the log says so. */
  const download = async (wanted: string, doing: Doing) => {
    const temporary = await unlessMissing(() => fetched(wanted, doing))
    const { signal: _, waiting: __, ...arrival } = doing
    const admitted = await folder.admit(temporary, wanted, { how: 'downloaded', peer: of, ...arrival })
    await outbox.flushed(doing.signal)
    return admitted
  }

  /** Sends one artifact; resolves when it lies verified in the store and the log says so. */
  const upload = async (drafted: string, wanted: string, doing: Doing): Promise<Listed> => {
    const { signal: _, waiting: __, causedBy, ...arrival } = doing
    const kept = await folder.admit(drafted, wanted, { how: 'kept', ...arrival })
    const sent = { path: wanted, digest: kept.digest, host, from: folder.part, ...arrival }
    return unlessMissing(async () => {
      await patient(() => bus.buckets.put(host, kept.digest, streamOf(kept.file)), doing)
      return ask<Listed>('receive', causedBy ? { ...sent, cause: pick(causedBy) } : sent, doing)
    })
  }

  const list = async (doing: Doing): Promise<readonly Listed[]> => {
    const all: Listed[] = []
    for (let after: string | null = null; ; ) {
      const { listed, next }: Page = await ask<Page>('list', after === null ? {} : { after }, doing)
      all.push(...listed)
      if (next === null) return all
      after = next
    }
  }

  return { download, upload, list }
}

/** A bucket keeps bytes for a while only: what has gone since it was put there is put again. */
const unlessMissing = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries++)
    try {
      return await attempt()
    } catch (cause) {
      if (tries === 3 || !(cause instanceof Fault && cause.code === 'artifact.missing')) throw cause
    }
}

const pick = ({ id, correlationId }: { readonly id: string; readonly correlationId: string }) => ({ id, correlationId })
