import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, faults } from '#bus/fault'
import { atMost } from '../turns.ts'
import type { Trader } from './exchange.ts'
import { digestOfFile, draft, exists, inside, settleAt } from './folder.ts'
import type { Listed } from './handles.ts'
import type { Described } from './messages.ts'
import { askerOf, type Doing, largestCard, onBehalfOf } from './store-asking.ts'
import type { StoreUse } from './store-use.ts'
import { timer } from './timer.ts'

/** How many inputs of an execution are fetched at once. */
const fetchedAtOnce = 4

/** A store of this pipeline that lies on another host, as one execution uses it. */
export type StoreElsewhere = StoreUse & {
  /** Where bytes lie on this host as long as the execution goes on. */
  readonly root: string
  /** Fetches what a run was offered. */
  readonly inputs: (offered: readonly Listed[], doing: Doing) => Promise<readonly Described[]>
}

/** What it records is what an execution beside the store would; all of it waits while the store's host is away. */
export const usedElsewhere = (trader: Trader, part: string, root: string): StoreElsewhere => {
  const { ask, list, tag, fetched, sent } = askerOf(trader, part)
  const limited = atMost(fetchedAtOnce)

  /** Copies lie by their digest: one that was opened before stays what it was. */
  const open = async (path: string, doing: Doing): Promise<Described> => {
    const { host: _, ...found } = await fetched(path, doing, async ({ digest }, bytes) => {
      const folder = join(root, digest)
      await mkdir(folder, { recursive: true })
      const file = await inside(folder, path)
      if (!(await exists(file))) await settleAt(await draft(root, bytes()), file)
    })
    return { ...found, file: await inside(join(root, found.digest), path) }
  }

  /** Whoever reads what has changed since, or is gone, is told so then, as on the store's own host. */
  const input = async (offered: Listed, doing: Doing): Promise<Described> => {
    const found = await open(offered.path, doing).catch((cause: unknown) => {
      if (cause instanceof Fault && cause.code === 'store.missing') return undefined
      throw cause
    })
    return { ...offered, file: found?.file ?? join(root, offered.digest, offered.path) }
  }
  const inputs = async (offered: readonly Listed[], doing: Doing): Promise<readonly Described[]> => {
    const found = await Promise.allSettled(offered.map((one) => limited(() => input(one, doing))))
    return found.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
  }

  return {
    part,
    save: async (drafted, path, { card, ...said }, doing) => {
      try {
        const took = timer()
        const { digest } = await digestOfFile(drafted)
        const whole = { path, ...said, ...(card !== undefined && { text: short(card) }) }
        return await sent(drafted, digest, () => ({ ...whole, took: took() }), doing)
      } finally {
        await rm(drafted, { force: true })
      }
    },
    card: (text, { path, digest }, { overwrite }, doing) => {
      return ask('card', { path, digest, text: short(text), overwrite, ...onBehalfOf(doing) }, doing)
    },
    open,
    list,
    tag,
    root,
    inputs,
  }
}

const short = (card: string): string => {
  if (card.length > largestCard) throw faults.tooLarge('The card', card.length, largestCard)
  return card
}
