import { Fault } from '#bus/fault'
import { patiently } from '#bus/patience'
import { splitPart } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import { type Provided, type StoreVerb, streamOf, type Trader } from './exchange.ts'
import { draft } from './folder.ts'
import type { Arrival } from './origin.ts'
import type { Page } from './page.ts'
import type { Listed } from './shape.ts'
import type { Store } from './store.ts'

type Doing = Pick<Arrival, 'by' | 'delivery' | 'causedBy' | 'tags' | 'overwrite'> & {
  readonly signal: AbortSignal
  readonly waiting: (reason: string) => void
}

/** A client of a store of another pipeline: `folder` is the client's own, `of` the store it stands for. */
export const clientOf = ({ bus, host, outbox }: Trader, folder: Store, of: string) => {
  const { pipeline, node } = splitPart(of)
  const patient = <T>(attempt: () => Promise<T>, { signal, waiting }: Doing): Promise<T> =>
    patiently(attempt, signal, (reason) => waiting(`waiting for the host of ${of}: ${reason}`))

  const ask = async <T>(verb: StoreVerb, body: object, doing: Doing): Promise<T> => {
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
