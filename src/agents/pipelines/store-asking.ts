import { randomUUID } from 'node:crypto'
import { Fault } from '#bus/fault'
import { patiently } from '#bus/patience'
import { splitPart } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import { streamOf, type Trader } from './exchange.ts'
import type { Listed } from './handles.ts'
import type { Arrival } from './origin.ts'
import type { Page } from './page.ts'
import type { Provided, StoreVerb } from './store-requests.ts'

/** For which execution a store is asked, and how long that is worth it. */
export type Doing = Pick<Arrival, 'by' | 'delivery' | 'causedBy'> & {
  readonly signal: AbortSignal
  readonly waiting: (reason: string) => void
}

/** Keeps bytes that come from a store; called again where they break off. */
type Take = (offered: Provided, bytes: () => AsyncIterable<Uint8Array>) => Promise<void>

/** How much may be said in a card that is sent, in characters: it travels in one message, with all else about its file. */
export const largestCard = 262_144

/** What a store is asked on behalf of an execution: who it is, what led to it, and what this asking is called. */
export const onBehalfOf = ({ by, delivery, causedBy }: Pick<Doing, 'by' | 'delivery' | 'causedBy'>) => ({
  call: randomUUID(),
  ...(by && { by }),
  ...(delivery !== undefined && { delivery }),
  ...(causedBy && { cause: { id: causedBy.id, correlationId: causedBy.correlationId } }),
})

/** Asks a store, wherever its host is; waits while that is away, unless `look` throws: it is called where nobody answers. */
export const askerOf = (
  { bus, host }: Pick<Trader, 'bus' | 'host'>,
  of: string,
  look: () => Promise<void> = async () => undefined,
) => {
  const { pipeline, node } = splitPart(of)
  const patient = <T>(attempt: () => Promise<T>, { signal, waiting }: Doing): Promise<T> => {
    const attemptOrLook = (): Promise<T> =>
      attempt().catch(async (cause: unknown) => {
        if (cause instanceof Fault && cause.code === 'bus.no-owner') await look()
        throw cause
      })
    return patiently(attemptOrLook, signal, (reason) => waiting(`waiting for the host of ${of}: ${reason}`))
  }

  const ask = <T>(verb: StoreVerb, body: object, doing: Doing): Promise<T> => askWith(verb, () => body, doing)

  /** Asks with what is said anew each time, for what changes while its host is away. */
  const askWith = async <T>(verb: StoreVerb, said: () => object, doing: Doing): Promise<T> => {
    const subject = serviceOf(pipeline, node, verb, bus.principal)
    const options = { timeout: 30_000, traceparent: doing.causedBy?.traceparent }
    return (await patient(() => bus.request(subject, said(), options), doing)) as T
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

  /** Says something about what lies at a path; resolves when the log says so. */
  const tag = async (path: string, tags: Readonly<Record<string, string>>, doing: Doing): Promise<void> => {
    await ask('tag', { path, tags, ...onBehalfOf(doing) }, doing)
  }

  /** Has the store's host put the bytes at a path into its bucket, and hands them on; anew where they break off. */
  const fetched = (path: string, doing: Doing, take: Take): Promise<Provided> =>
    unlessMissing(async () => {
      const offered = await ask<Provided>('provide', { path }, doing)
      const bytes = () => bus.buckets.get(offered.host, offered.digest, doing.signal)
      await patient(() => take(offered, bytes), doing)
      return offered
    })

  /** Has the store take bytes in: puts them into this host's bucket, and asks with what is said of them. */
  const sent = (file: string, digest: string, said: () => object, doing: Doing): Promise<Listed> => {
    const who = onBehalfOf(doing)
    return unlessMissing(async () => {
      await patient(() => bus.buckets.put(host, digest, streamOf(file)), doing)
      // How long it took is said with it: so each time it is asked.
      return askWith<Listed>('receive', () => ({ ...said(), digest, host, ...who }), doing)
    })
  }

  return { ask, list, tag, fetched, sent }
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
