import type { Recorded } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import { bell } from './bell.ts'
import type { Append, Batch, Bus, Cursor } from './bus.ts'
import { faults } from './fault.ts'
import { batchLimit } from './publish.ts'

/** The log as an array. */
export const memoryLog = (logId: string) => {
  const log: Recorded[] = []
  const histories = new Map<string, Recorded[]>()
  const ids = new Set<string>()
  const groups = new Map<string, { next: number; readonly returned: Recorded[][] }>()
  const news = bell()

  const historyAt = (address: Address): readonly Recorded[] => histories.get(historyOf(address)) ?? []
  const versionOf = (address: Address): number => historyAt(address).at(-1)?.sequence ?? 0

  const read: Bus['read'] = async (address, after = 0) => {
    const version = versionOf(address)
    return { events: historyAt(address).filter(({ sequence }) => sequence > after), version }
  }

  const last: Bus['last'] = async (address) => historyAt(address).at(-1)

  const append: Bus['append'] = async (appends: readonly Append[]) => {
    const fresh = appends.flatMap(({ events }) => events.map(({ id }) => id))
    if (fresh.length === 0) throw new RangeError('An append holds at least one event')
    if (fresh.length > batchLimit)
      throw faults.refusedByServer('an append', 10199, `a batch holds at most ${batchLimit} messages`)
    const stale = ({ address, expectedVersion }: Append) =>
      expectedVersion !== 'any' && versionOf(address) !== expectedVersion
    if (appends.some(stale)) return 'conflict'
    if (fresh.some((id) => ids.has(id)) || new Set(fresh).size < fresh.length) return 'conflict'
    for (const { address, events } of appends) {
      for (const event of events) {
        const sequence = log.length + 1
        const place = { address, sequence, position: `${logId}.${sequence}`, storedAt: Date.now() }
        // As the wire would have it: what is no JSON does not survive.
        const recorded: Recorded = { ...JSON.parse(JSON.stringify(event)), ...place }
        ids.add(event.id)
        log.push(recorded)
        const history = histories.get(historyOf(address)) ?? []
        history.push(recorded)
        histories.set(historyOf(address), history)
      }
    }
    news.ring()
    return log.length
  }

  const verify = ({ logId: expected, sequence, lastId, lastSequence }: Cursor): void => {
    if (expected !== logId) throw faults.otherLog(expected, logId)
    if (sequence > log.length) throw faults.shorterLog(sequence, log.length)
    const found = log[(lastSequence ?? 0) - 1]?.id ?? 'no event'
    if (lastId && lastSequence && found !== lastId) throw faults.changedLog(lastSequence, lastId, found)
  }

  const follow: Bus['follow'] = async (after, handle, signal, only = ['>']) => {
    verify(after)
    const wanted = ({ address }: Recorded) => only.some((pattern) => matches(pattern, historyOf(address)))
    for (let { sequence } = after; !signal.aborted; ) {
      const all = log.slice(sequence).filter(wanted)
      const events = all.slice(0, batchLimit)
      sequence = events.at(-1)?.sequence ?? log.length
      if (events.length > 0) await handle(batchOf(events, all.length - events.length))
      else await news.rung(signal)
    }
  }

  const react: Bus['react'] = async (name, handle, signal) => {
    const group = groups.get(name) ?? { next: 0, returned: [] }
    groups.set(name, group)
    while (!signal.aborted) {
      const events = group.returned.shift() ?? log.slice(group.next, group.next + batchLimit)
      group.next = Math.max(group.next, events.at(-1)?.sequence ?? 0)
      if (events.length === 0) {
        await news.rung(signal)
        continue
      }
      try {
        await handle(batchOf(events, log.length - group.next))
      } catch (cause) {
        group.returned.push(events)
        news.ring()
        throw cause
      }
    }
  }

  return { read, last, append, head: async () => log.length, follow, react }
}

const batchOf = (events: readonly Recorded[], pending: number): Batch => ({
  events,
  upTo: events.at(-1)?.sequence ?? 0,
  dropped: 0,
  pending,
})

/** Whether a subject is one of a pattern's: `*` is any token, `>` any rest. */
export const matches = (pattern: string, subject: string): boolean => {
  const tokens = subject.split('.')
  const wanted = pattern.split('.')
  const rest = wanted.indexOf('>')
  if (rest >= 0 ? tokens.length <= rest : tokens.length !== wanted.length) return false
  return wanted.slice(0, rest >= 0 ? rest : undefined).every((token, at) => token === '*' || token === tokens[at])
}
