import { setTimeout as delay } from 'node:timers/promises'
import { bell } from '#bus/bell'
import { Fault, reasonOf } from '#bus/fault'
import type { SendNotice } from './notice.ts'
import { type Due, type openNotices, placeOf, type Way } from './notices-kept.ts'

export type Sending = {
  readonly notices: ReturnType<typeof openNotices>
  /** How notices are sent, each way that there is here. */
  readonly ways: Partial<Readonly<Record<Way, SendNotice>>>
  /** Told how it ended, in the transaction in which that is kept; undefined: it was sent. */
  readonly ended: (due: Due, reason?: string) => void
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void
  readonly signal: AbortSignal
  readonly now?: () => number
  /** For how long a notice is tried, in milliseconds. */
  readonly patience?: number
}

/** How many are sent at once, and how long one may take, in milliseconds. */
const [atOnce, within] = [8, 30_000]

/** Between two tries of one, in milliseconds: at first, and at most. */
const [shortest, longest] = [1_000, 900_000]

const aDay = 24 * 3_600_000

/**
 * Sends what waits until `signal` aborts: to one address one after another, to several at the same time, so that one which does not
 * answer holds up nobody else. `more` says that there may be something new.
 */
export const sendNotices = ({ notices, ways, ended, log, signal, now = Date.now, patience = aDay }: Sending) => {
  const news = bell()
  const underWay = new Map<string, Promise<void>>()

  /** It is over, also where that can't be told: else it would be sent for ever. */
  const end = (due: Due, reason?: string): void => {
    try {
      notices.end(due.notice.id, () => ended(due, reason))
    } catch (cause) {
      log('error', `That ${due.notice.to} was told of ${due.notice.experiment} can't be recorded: ${reasonOf(cause)}`)
      notices.end(due.notice.id, () => undefined)
    }
  }

  const sendOne = async (due: Due): Promise<void> => {
    const { notice, way, address, tries, begun } = due
    const send = ways[way]
    if (!send) return end(due, `Nobody here sends by ${way}`)
    try {
      await send(notice, address, AbortSignal.any([signal, AbortSignal.timeout(within)]))
    } catch (cause) {
      if (signal.aborted) return
      const isFinal = (cause instanceof Fault && cause.code === 'notice.refused') || now() - begun >= patience
      const reason = reasonOf(cause).slice(0, 2_000)
      log(isFinal ? 'error' : 'warn', `${notice.to} was not told of ${notice.experiment} by ${way}: ${reason}`)
      if (isFinal) return end(due, reason)
      return notices.postpone(notice.id, now() + Math.min(shortest * 2 ** Math.min(tries, 20), longest))
    }
    end(due)
  }

  const begin = (due: Due): void => {
    const place = placeOf(due)
    const sending = sendOne(due).finally(() => {
      underWay.delete(place)
      news.ring()
    })
    underWay.set(place, sending)
  }

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const waiting = notices.next().filter((due) => !underWay.has(placeOf(due)))
      const ready = waiting.filter(({ due }) => due <= now())
      for (const due of ready.slice(0, atOnce - underWay.size)) begin(due)
      const later = waiting.find(({ due }) => due > now())
      const over = new AbortController()
      const rung = news.rung(AbortSignal.any([signal, over.signal]))
      const asleep = later && delay(Math.min(later.due - now(), longest), undefined, { signal: over.signal })
      await Promise.race([rung, ...underWay.values(), ...(asleep ? [asleep.catch(() => undefined)] : [])])
      over.abort()
    }
    await Promise.allSettled(underWay.values())
  }

  return { run, more: news.ring }
}
