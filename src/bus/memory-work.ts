import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Recorded } from '#contracts/envelope'
import { deadOf, timerDueOf, timersDue, workOf, worksOf } from '#contracts/subjects'
import { bell } from './bell.ts'
import type { Bus, Dead, Work } from './bus.ts'
import { matches } from './memory-log.ts'

type Item = { readonly event: Recorded; delivery: number; out: boolean; timer: NodeJS.Timeout | undefined }

/** Work, dead letters and timers, as maps by subject. */
export const memoryWork = (lease: number) => {
  const items = new Map<string, Item>()
  const receipts = new Map<string, Item>()
  const letters = new Map<string, Dead>()
  const due = new Map<string, Recorded>()
  const setTimers = new Map<string, NodeJS.Timeout>()
  const takers = new Set<{ readonly subjects: string; readonly hasRoom: () => boolean }>()
  const news = bell()

  const put: Bus['put'] = async (some) => {
    for (const { where, agent, event } of some) {
      const subject = workOf(where, agent, event.id)
      if (!items.has(subject)) items.set(subject, { event, delivery: 0, out: false, timer: undefined })
    }
    news.ring()
  }

  /** Makes it ready to be delivered again, now or after a while. */
  const giveBack = (item: Item, milliseconds: number): void => {
    clearTimeout(item.timer)
    const again = () => {
      item.out = false
      news.ring()
    }
    if (milliseconds > 0) item.timer = setTimeout(again, milliseconds).unref()
    else again()
  }

  const deliver = (subject: string, item: Item, wanted: Work['wanted']): Work => {
    const receipt = randomUUID()
    item.out = true
    item.delivery++
    item.timer = setTimeout(() => giveBack(item, 0), lease).unref()
    receipts.set(receipt, item)
    return {
      event: item.event,
      delivery: item.delivery,
      receipt,
      working: async () => void item.timer?.refresh(),
      done: async () => {
        clearTimeout(item.timer)
        if (items.get(subject) === item) items.delete(subject)
        news.ring()
      },
      wanted,
      postpone: (milliseconds) => giveBack(item, milliseconds),
    }
  }

  const take: Bus['take'] = async (where, agent, handle, { concurrency, signal }) => {
    const underWay = new Set<Promise<void>>()
    const subjects = worksOf(where, agent)
    const hasRoom = () => !signal.aborted && underWay.size < concurrency
    const taker = { subjects, hasRoom }
    takers.add(taker)
    const wanted = async () =>
      [...takers].some((other) => other !== taker && other.subjects === subjects && other.hasRoom())
    while (!signal.aborted) {
      const all = [...items].filter(([subject]) => matches(subjects, subject))
      const free = concurrency - all.filter(([, { out }]) => out).length // Over all who take from it.
      const ready = free > 0 && underWay.size < concurrency && all.find(([, { out }]) => !out)
      if (!ready) {
        await Promise.race([news.rung(signal), ...underWay])
        continue
      }
      const handling = handle(deliver(...ready, wanted))
        .catch(() => undefined)
        .finally(() => underWay.delete(handling))
      underWay.add(handling)
    }
    takers.delete(taker)
    await Promise.all(underWay)
  }

  const release: Bus['release'] = (receipt) => {
    const item = receipts.get(receipt)
    if (item) giveBack(item, 0)
  }

  const setTimer: Bus['setTimer'] = async (where, event, at) => {
    const subject = timerDueOf(where, event.id)
    const wait = () => {
      const left = at - Date.now()
      if (left > 0) return setTimers.set(subject, setTimeout(wait, Math.min(left, 2 ** 31 - 1)).unref())
      due.set(subject, event)
      news.ring()
    }
    clearTimeout(setTimers.get(subject))
    wait()
  }

  const timers: Bus['timers'] = async (where, handle, signal) => {
    while (!signal.aborted) {
      const fired = due.entries().find(([subject]) => matches(timersDue(where), subject))
      if (!fired) {
        await news.rung(signal)
        continue
      }
      const [subject, event] = fired
      due.delete(subject)
      await handle(event).catch((cause: unknown) => {
        due.set(subject, event)
        throw cause
      })
    }
  }

  const bury: Bus['bury'] = async (dead) => {
    const subject = deadOf(dead.where, dead.agent, dead.eventId)
    letters.delete(subject)
    letters.set(subject, dead)
  }

  const unbury: Bus['unbury'] = async (dead) => {
    const subject = deadOf(dead.where, dead.agent, dead.eventId)
    if (isDeepStrictEqual(letters.get(subject), dead)) letters.delete(subject)
  }

  return { put, take, release, setTimer, timers, bury, unbury, dead: async () => [...letters.values()] }
}
