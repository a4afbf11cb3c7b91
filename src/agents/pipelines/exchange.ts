import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bus, Request } from '#bus/bus'
import { Fault, faults } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { splitPart } from '#contracts/names'
import { askedBy, servicesOf } from '#contracts/subjects'
import { atMost } from '../turns.ts'
import { arrivedIn } from './arrivals.ts'
import { parse } from './asked.ts'
import { judgeFiles } from './conditions.ts'
import { draft, stampOf } from './folder.ts'
import type { Listed } from './handles.ts'
import type { Arrival } from './origin.ts'
import { pageOf } from './page.ts'
import type { Trigger } from './shape.ts'
import type { Store } from './store.ts'
import { type Provided, type StoreRequest, storeRequests } from './store-requests.ts'
import { timer } from './timer.ts'

/** How many artifacts a store hands out or takes in at once; others wait. */
const movedAtOnce = 8

/** How many it readies at once before anybody asks for them: apart from the others, so that nobody who asks waits for these. */
const readiedAtOnce = 2

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
export const serveStore = (trader: Trader, store: Store, trigger?: Trigger): Promise<void> => {
  const { bus, host, outbox, signal } = trader
  const underWay = new Map<string, Promise<Listed>>()
  const [limited, readying] = [atMost(movedAtOnce), atMost(readiedAtOnce)]

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

  // What is saved is on its way before anybody asks for it. What can't be put now is put on demand.
  store.onAdmitted(({ file, digest }) => {
    readying(async () => signal.aborted || bus.buckets.put(host, digest, streamOf(file))).catch(() => undefined)
  })

  /** The card of what is taken in: as it was written elsewhere, or from what is said of it. */
  const cardOf = async (file: string, { path, digest, card, text }: StoreRequest<'receive'>) => {
    if (text !== undefined) return { path: store.cardPath(path), text }
    return card === undefined ? undefined : store.cardFor(path, card, { digest, size: (await stampOf(file)).size })
  }

  const receive = (asked: StoreRequest<'receive'>, request: Request): Promise<Listed> => {
    const { host: _, cause: __, took: before = 0, ...same } = asked // From wherever the bytes come, what is recorded is the same.
    const key = JSON.stringify([same, askerOf(request)])
    const running = underWay.get(key)
    if (running) return running
    const took = timer()
    const receiving = limited(async () => {
      signal.throwIfAborted()
      if (asked.card !== undefined) store.checkCard(asked.path, asked.card)
      const temporary = await draft(store.root, bus.buckets.get(asked.host, asked.digest, signal))
      const card = await cardOf(temporary, asked)
      const { file: _, ...listed } = await store.admit(temporary, asked.path, {
        ...arrivalOf(asked, request),
        how: asked.from === undefined ? 'saved' : 'uploaded',
        peer: asked.from,
        tags: asked.tags,
        card,
        took: before + took(),
      })
      await outbox.flushed(signal)
      return listed
    }).finally(() => underWay.delete(key))
    underWay.set(key, receiving)
    return receiving
  }

  const tag = async ({ path, tags, ...asked }: StoreRequest<'tag'>, request: Request): Promise<null> => {
    await store.tag(path, tags, arrivalOf(asked, request))
    await outbox.flushed(signal)
    return null
  }

  /** Asked again by the same execution, it gives the same card, and records it once. */
  const card = async (asked: StoreRequest<'card'>, request: Request): Promise<Listed> => {
    const { path, digest, text } = asked
    const arrival = { ...arrivalOf(asked, request), how: 'saved' } as const
    const { file: _, ...listed } = await store.card({ path: store.cardPath(path), text }, { path, digest }, arrival)
    await outbox.flushed(signal)
    return listed
  }

  /** What lies at a path by its hash; null where nothing does. */
  const digestAt = async (path: string): Promise<string | null> =>
    limited(() =>
      store.find(path).then(
        ({ digest }) => digest,
        (cause: unknown) => {
          if (cause instanceof Fault && cause.code === 'store.missing') return null
          throw cause
        },
      ),
    )

  const answer = async (request: Request): Promise<unknown> => {
    const { subject, body } = request
    const { verb } = askedBy(subject)
    switch (verb) {
      case 'list':
        return pageOf(store, parse(storeRequests.list, verb, body ?? {}).after)
      case 'look':
        return { found: await Promise.all(parse(storeRequests.look, verb, body).paths.map(digestAt)) }
      case 'condition': {
        const { after, upTo } = parse(storeRequests.condition, verb, body)
        return judgeFiles(trigger, [...(await arrivedIn(bus, store.part, after, upTo)).values()])
      }
      case 'fetch':
        store.fetch()
        return null
      case 'provide':
        return provide(parse(storeRequests.provide, verb, body).path)
      case 'tag':
        return tag(parse(storeRequests.tag, verb, body), request)
      case 'receive':
        return receive(parse(storeRequests.receive, verb, body), request)
      case 'card':
        return card(parse(storeRequests.card, verb, body), request)
      default:
        throw faults.unknownMessage(verb, Object.keys(storeRequests))
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

/** Who asks: pinned by permissions, which what the body says of the sender is not. */
const askerOf = ({ principal, onBehalfOf }: Request): string => onBehalfOf ?? principal

/** What is recorded of anything that is asked for: for which execution, who asked, and because of what. */
const arrivalOf = (
  { by, delivery, overwrite, cause, call }: Partial<Omit<StoreRequest<'card'>, 'path' | 'digest' | 'text'>>,
  request: Request,
): Omit<Arrival, 'how'> => {
  const { traceparent } = request
  const causedBy = cause && { ...cause, ...(traceparent && { traceparent }) }
  return { by, delivery, overwrite, principal: askerOf(request), causedBy, call }
}
