import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { contractOf, problemsOf } from '#contracts/all'
import type { Numbered, Recorded } from '#contracts/envelope'
import { type Address, addressOf, historyOf } from '#contracts/subjects'
import type { Append, Bus } from './bus.ts'
import { Fault, faults, reasonOf } from './fault.ts'
import { batchLimit } from './publish.ts'

/** How long facts may wait before somebody is told, in milliseconds. */
const patience = 5_000

/** A fact before it is numbered. */
export type Fact = {
  readonly address: Address
  readonly type: string
  readonly data: unknown
  readonly causedBy?: Pick<Recorded, 'id' | 'correlationId'> | undefined
}

/**
 * Facts that are not yet acknowledged, numbered by their producer and kept on disk: the host can be killed, or lose the
 * bus for hours, and neither loses nor doubles one. The database belongs to one host and one log.
 */
export const openOutbox = (db: Database, principal: string) => {
  db.exec(`
    create table if not exists producers (
      subject text primary key,
      number integer not null,
      acknowledged integer not null default 0,
      sequence integer not null default 0
    ) strict;
    create table if not exists outbox (
      place integer primary key autoincrement,
      subject text not null,
      number integer not null,
      event text not null
    ) strict;
  `)
  const insert = db.prepare('insert into outbox (subject, number, event) values (?, ?, ?)')
  const nextNumber = db.prepare<[string], { number: number }>(
    `insert into producers (subject, number) values (?, 1)
     on conflict (subject) do update set number = number + 1 returning number`,
  )
  const waiting = db.prepare<[number], { place: number; subject: string; number: number; event: string }>(
    'select place, subject, number, event from outbox order by place limit ?',
  )
  const producerOf = db.prepare<[string], { acknowledged: number; sequence: number }>(
    'select acknowledged, sequence from producers where subject = ?',
  )
  const acknowledge = db.prepare(
    'update producers set acknowledged = ?, sequence = ?, number = max(number, ?) where subject = ?',
  )
  const forget = db.prepare('delete from outbox where subject = ? and number <= ?')
  const count = db.prepare<[], { n: number }>('select count(*) as n from outbox')

  let wake: () => void = () => undefined
  const flushes = new Set<() => void>()

  /** Keeps a fact, in the transaction that is open if one is. Throws where it breaks its contract. */
  const post = ({ address, type, data, causedBy }: Fact): string => {
    const contract = contractOf(type)
    if (contract?.kind !== 'fact') throw faults.brokenContract(type, 'it is no fact that can be posted')
    const parsed = contract.data.safeParse(data)
    if (!parsed.success) throw faults.brokenContract(type, problemsOf(parsed.error.issues))
    const subject = historyOf(address)
    const number = nextNumber.get(subject)?.number ?? 0
    const id = `${address.aggregate}.${address.scope}.${address.key}-${number}`
    const event: Numbered = {
      id,
      type,
      version: contract.version,
      source: principal,
      time: new Date().toISOString(),
      correlationId: causedBy?.correlationId ?? id,
      causationId: causedBy?.id ?? id,
      principal,
      data: parsed.data,
    }
    insert.run(subject, number, JSON.stringify(event))
    queueMicrotask(() => wake())
    return id
  }

  const settle = db.transaction((subject: string, number: number, sequence: number) => {
    acknowledge.run(number, sequence, number, subject)
    forget.run(subject, number)
  })

  /** Reads on from what is known to be acknowledged: facts of ours that lie there had been stored after all. */
  const lookAgain = async (bus: Bus, subject: string): Promise<void> => {
    const address = addressOf(subject)
    const known = producerOf.get(subject)
    if (!address || !known) return
    const { events, version } = await bus.read(address, known.sequence)
    if (version < known.sequence) throw faults.shorterLog(known.sequence, version)
    const last = events.reduce((number, { id }) => Math.max(number, numberOf(id)), known.acknowledged)
    settle(subject, last, version)
  }

  /** Sends what waits, as one atomic batch. Says whether anything was sent. */
  const sendSome = async (bus: Bus): Promise<void> => {
    const rows = waiting.all(batchLimit)
    const bySubject = Map.groupBy(rows, ({ subject }) => subject)
    const appends: Append[] = []
    for (const [subject, some] of bySubject) {
      const address = addressOf(subject)
      const known = producerOf.get(subject)
      if (address && known)
        appends.push({ address, expectedVersion: known.sequence, events: some.map(({ event }) => JSON.parse(event)) })
    }
    // What the log knows must not be forgotten here, not even by a power cut: one sync for the whole batch.
    durably(db, () => db.prepare('update outbox set place = place where place = ?').run(rows[0]?.place))
    const stored = await bus.append(appends).catch(async (cause: unknown) => {
      // Where no answer came it may be stored or not.
      if (cause instanceof Fault && cause.code !== 'bus.timeout') throw cause
      await Promise.all([...bySubject.keys()].map((subject) => lookAgain(bus, subject)))
      throw cause
    })
    if (stored === 'conflict') {
      for (const subject of bySubject.keys()) await lookAgain(bus, subject)
      return
    }
    // A batch lies in one piece: the last sequence tells all others.
    let sequence = stored - rows.length
    for (const [subject, some] of bySubject) {
      sequence += some.length
      settle(subject, some.at(-1)?.number ?? 0, sequence)
    }
  }

  /** Sends facts as they come, until `signal` aborts. While the bus is away, or refuses them, they wait: `waits` says why. */
  const send = async (
    bus: Bus,
    signal: AbortSignal,
    waits: (reason: string) => void = () => undefined,
  ): Promise<void> => {
    const stop = () => wake()
    let failing: number | undefined
    let told = false
    signal.addEventListener('abort', stop)
    for (let tries = 0; !signal.aborted; ) {
      if (count.get()?.n === 0) {
        for (const flushed of flushes) flushed()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      try {
        await sendSome(bus)
        tries = 0
        failing = undefined
        told = false
      } catch (cause) {
        if (cause instanceof Fault && cause.code.startsWith('log.')) throw cause
        failing ??= performance.now()
        if (!told && performance.now() - failing > patience) {
          told = true
          waits(reasonOf(cause))
        }
        await delay(Math.min(2000, 50 * 2 ** tries++), undefined, { signal }).catch(() => undefined)
      }
    }
    signal.removeEventListener('abort', stop)
  }

  /** Resolves when everything that had been posted is acknowledged. */
  const flushed = (): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        flushes.delete(done)
        resolve()
      }
      flushes.add(done)
      wake()
    })

  return { post, send, flushed, waiting: () => count.get()?.n ?? 0 }
}

export type Outbox = ReturnType<typeof openOutbox>

/** Writes so that a power cut does not undo it, nor anything that was written before. */
export const durably = (db: Database, write: () => void): void => {
  db.pragma('synchronous = full')
  try {
    write()
  } finally {
    db.pragma('synchronous = normal')
  }
}

/** The number in a fact's id: `artifact.root_pipeline.retraining-12` is the 12th. */
const numberOf = (id: string): number => Number(/-(\d+)$/.exec(id)?.[1] ?? 0)
