import { Fault, faults } from '#bus/fault'
import type { Trader } from './exchange.ts'
import { draft } from './folder.ts'
import type { Listed } from './handles.ts'
import type { Arrival } from './origin.ts'
import { lookFor } from './stands-for.ts'
import type { Store } from './store.ts'
import { askerOf, type Doing, largestCard } from './store-asking.ts'
import { timer } from './timer.ts'

/**
 * A client of a store of another pipeline: `folder` is the client's own, `of` the store it stands for. Whoever executes is told
 * where that pipeline has no such store; what the host says at its start waits on, as it may have one later.
 */
export const clientOf = (trader: Trader, folder: Store, of: string) => {
  const { list, tag, fetched, sent } = askerOf(trader, of, lookFor(trader.bus, of))
  const { ask } = askerOf(trader, of)

  /** Fetches one artifact; resolves when it lies verified in the client's folder and the log says so. */
  const download = async (wanted: string, { signal, waiting, ...arrival }: Doing) => {
    const took = timer()
    let temporary = ''
    await fetched(wanted, { signal, waiting, ...arrival }, async (_, bytes) => {
      temporary = await draft(folder.root, bytes())
    })
    const admitted = await folder.admit(temporary, wanted, { how: 'downloaded', peer: of, ...arrival, took: took() })
    await trader.outbox.flushed(signal)
    return admitted
  }

  /** Sends one artifact, with its card; resolves when it lies verified in the store and the log says so. */
  const upload = async (
    drafted: string,
    wanted: string,
    { signal, waiting, ...arrival }: Doing & Pick<Arrival, 'tags' | 'overwrite'>,
    card?: unknown,
  ): Promise<Listed> => {
    const said = JSON.stringify(card ?? null).length
    if (said > largestCard) throw faults.tooLarge('The card', said, largestCard)
    const took = timer()
    const { file, digest } = await folder.admit(drafted, wanted, { how: 'kept', ...arrival })
    const { causedBy: _, ...about } = arrival
    const whole = { path: wanted, from: folder.part, ...about, ...(card !== undefined && { card }) }
    return sent(file, digest, () => ({ ...whole, took: took() }), { signal, waiting, ...arrival })
  }

  /** Tells the store's host that somebody fetches from it, so that it readies what is saved; once it can be reached. */
  const announce = async (signal: AbortSignal): Promise<void> => {
    await ask('fetch', {}, { signal, waiting: () => undefined }).catch((cause: unknown) => {
      if (!signal.aborted && !(cause instanceof Fault)) throw cause
    })
  }

  return { download, upload, list, tag, announce }
}
