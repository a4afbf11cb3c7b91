import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { Bus, Request } from '#bus/bus'
import { faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { by } from '#contracts/artifact'
import { digest, name, part, splitPart } from '#contracts/names'
import { askedBy, serviceOf, servicesOf } from '#contracts/subjects'
import { parse, tags } from './asked.ts'
import { draft } from './folder.ts'
import { pageOf } from './page.ts'
import type { Listed } from './shape.ts'
import type { Store } from './store.ts'
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
    delivery: z.int().optional(),
    tags: tags.optional(),
    overwrite: z.boolean().optional(),
    cause,
  }),
} as const

/** What a store is asked for. */
export type StoreVerb = keyof typeof requests

/** An artifact whose bytes lie in a host's bucket. */
export type Provided = Listed & { readonly host: string }

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

/** A file's bytes, from the beginning each time. */
export const streamOf = (file: string) => () =>
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
    const { host: _, cause: __, ...same } = asked // From wherever the bytes come, what is recorded is the same.
    const key = JSON.stringify([same, onBehalfOf ?? principal])
    const running = underWay.get(key)
    if (running) return running
    const receiving = limited(async () => {
      signal.throwIfAborted()
      const temporary = await draft(store.root, bus.buckets.get(asked.host, asked.digest, signal))
      const { file: _, ...listed } = await store.admit(temporary, asked.path, {
        how: 'uploaded',
        peer: asked.from,
        by: asked.by,
        delivery: asked.delivery,
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

/** How long another host may take to let go of a store, in milliseconds: it may be ending. */
const letGoWithin = 3_000

/** Resolves once no other host answers for a store; a fault where one goes on: a store lies in one place. */
export const untilNobodyKeeps = async (
  { bus, signal }: Pick<Trader, 'bus' | 'signal'>,
  store: string,
): Promise<void> => {
  const { pipeline, node } = splitPart(store)
  const ask = () => bus.request(serviceOf(pipeline, node, 'list', bus.principal), {}, { timeout: 1_000 })
  for (const until = performance.now() + letGoWithin; ; ) {
    signal.throwIfAborted()
    const answered = await ask().then(
      () => true,
      () => false, // Nobody is there, or nobody who lives.
    )
    if (!answered) return
    if (performance.now() > until) throw faults.keptElsewhere(store)
    await delay(200, undefined, { signal }).catch(() => undefined)
  }
}
