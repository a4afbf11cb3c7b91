import { setTimeout as delay } from 'node:timers/promises'
import type { Recorded } from '#contracts/envelope'
import { type Address, historyOf } from '#contracts/subjects'
import type { Append, Bus, Cursor, History } from './bus.ts'
import { type Connection, reliably, unlessDenied } from './connection.ts'
import { readDirectly } from './direct.ts'
import { faults } from './fault.ts'
import { decode, encode, foundIn } from './message.ts'
import { asFault, type Outgoing, publishBatch, serverCode } from './publish.ts'
import { logIdKey } from './streams.ts'

const stream = 'EVENTS'

const isDirectGet = (subject: string): boolean => subject.startsWith(`$JS.API.DIRECT.GET.${stream}`)

/** The EVENTS stream as a log of aggregates: reading one, appending to some. */
export const openLog = (connection: Connection, logId: string) => {
  const { jsm } = connection

  /** The aggregate's last message, asked of the stream's leader: what it says is never stale. */
  const lastMessage = (address: Address) => jsm.streams.getMessage(stream, { last_by_subj: historyOf(address) })

  const last: Bus['last'] = (address) =>
    reliably(connection, `read ${historyOf(address)}`, async () => {
      const message = await lastMessage(address)
      // Somebody's junk may lie on top; what is under it is found by reading all.
      return message ? (decode(logId, foundIn(message)) ?? (await readOnce(address, 0)).events.at(-1)) : undefined
    })

  const read: Bus['read'] = (address, after = 0) =>
    reliably(connection, `read ${historyOf(address)}`, () => readOnce(address, after))

  const readOnce = async (address: Address, after: number): Promise<History> => {
    const version = (await lastMessage(address))?.seq ?? 0
    const events: Recorded[] = []
    // Direct reads may come from a replica that is behind: go on until the leader's version is reached.
    for (let reached = after; reached < version; ) {
      const range = { from: reached + 1, subject: historyOf(address), limit: 1000 }
      const found = await unlessDenied(connection, `read ${range.subject}`, isDirectGet, () =>
        readDirectly(jsm, stream, range),
      )
      for (const message of found) {
        reached = message.seq
        const event = reached <= version ? decode(logId, foundIn(message)) : undefined
        if (event) events.push(event)
      }
      if (found.length === 0) await delay(10)
    }
    return { events, version }
  }

  const unlessDeniedAny = <Answer>(messages: readonly Outgoing[], act: () => Promise<Answer>): Promise<Answer> => {
    const subjects = new Set(messages.map(({ subject }) => subject))
    return unlessDenied(connection, `record ${[...subjects].join(', ')}`, (subject) => subjects.has(subject), act)
  }

  const append: Bus['append'] = async (appends: readonly Append[]) => {
    const messages = appends.flatMap(outgoingOf)
    const publishing = () => publishBatch(connection, messages)
    // What is asked alone is answered by its denial; of a batch, only the last message would be.
    const stored = await (messages.length === 1 ? publishing() : unlessDeniedAny(messages, publishing))
    // A duplicate is no answer either: whoever appends looks whether the events that lie there are its own.
    if (stored.stored) return stored.duplicate ? 'conflict' : stored.sequence
    if (stored.code === serverCode.wrongLastSequence || stored.code === serverCode.batchDuplicate) return 'conflict'
    throw asFault('an append', stored)
  }

  const head: Bus['head'] = () =>
    reliably(connection, 'read the head of the log', async () => (await jsm.streams.info(stream)).state.last_seq)

  /** Refuses to go on from a cursor that is not of this log as it now is. */
  const verify = async (cursor: Cursor): Promise<void> => {
    const { config, state } = await jsm.streams.info(stream)
    const found = config.metadata?.[logIdKey] ?? 'without an id'
    if (found !== cursor.logId) throw faults.otherLog(cursor.logId, found)
    if (state.last_seq < cursor.sequence) throw faults.shorterLog(cursor.sequence, state.last_seq)
    if (!cursor.lastId || !cursor.lastSequence) return
    const message = await jsm.streams.getMessage(stream, { seq: cursor.lastSequence })
    const event = message && decode(logId, foundIn(message))
    if (event?.id !== cursor.lastId)
      throw faults.changedLog(cursor.lastSequence, cursor.lastId, event?.id ?? 'no event')
  }

  return { last, read, append, head, verify }
}

const outgoingOf = ({ address, expectedVersion, events }: Append): Outgoing[] =>
  events.map((event, index) => {
    const subject = historyOf(address)
    const message = encode(subject, event)
    if (index === 0 && expectedVersion !== 'any')
      message.headers.set('Nats-Expected-Last-Subject-Sequence', String(expectedVersion))
    return { subject, ...message }
  })
