import type { Database } from 'better-sqlite3'
import type { Numbered, Recorded } from '#contracts/envelope'
import { type Address, addressOf } from '#contracts/subjects'

/** A fact that waits: its subject, its number there, and the event as it will be sent. */
type Row = { readonly place: number; readonly subject: string; readonly number: number; readonly event: string }

/** How far a producer's subject is known: `sequence` is its last message, `synced` whether the log was ever asked. */
type Producer = { readonly number: number; readonly sequence: number; readonly synced: number }

/** How much one batch holds at most, in characters. */
const largestBatch = 4_000_000

type OutboxTables = {
  /** Keeps a fact under the next number of its subject; gives its id. */
  readonly add: (address: Address, subject: string, eventOf: (id: string) => Numbered) => string
  /** What goes into the next batch: the oldest, and no more than one batch may hold. */
  readonly next: (limit: number) => readonly Row[]
  /** The log has these, and its subject reaches to `sequence`. */
  readonly settle: (subject: string, number: number, sequence: number) => void
  /** Holds what lies in the log against what waits: ours is settled, and somebody else's goes before what is left. */
  readonly reconcile: (subject: string, found: readonly Recorded[], sequence: number) => void
  readonly producer: (subject: string) => Producer | undefined
  readonly count: () => number
  /** The places of the oldest and of the newest that waits; 0 for the newest where none does. */
  readonly first: () => number | undefined
  readonly last: () => number
  /** Writes something, so that what was written before it is synced with it. */
  readonly touch: (place: number) => void
}

/** What waits, on disk: facts in their order, and for each subject how far the log is known to have it. */
export const openOutboxTables = (db: Database): OutboxTables => {
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
    create index if not exists outbox_subject on outbox (subject, number);
  `)
  if (!db.prepare("select 1 from pragma_table_info('producers') where name = 'synced'").get())
    db.exec('alter table producers add column synced integer not null default 0; update producers set synced = 1')

  const insert = db.prepare('insert into outbox (subject, number, event) values (?, ?, ?)')
  const nextNumber = db.prepare<[string], { number: number }>(
    `insert into producers (subject, number) values (?, 1)
     on conflict (subject) do update set number = number + 1 returning number`,
  )
  const waiting = db.prepare<[number], Row>('select * from outbox order by place limit ?')
  const waitingOf = db.prepare<[string], Row>('select * from outbox where subject = ? order by number')
  const producer = db.prepare<[string], Producer>('select number, sequence, synced from producers where subject = ?')
  const reach = db.prepare('update producers set sequence = ?, synced = 1 where subject = ?')
  const numberAs = db.prepare('update producers set number = ? where subject = ?')
  const forget = db.prepare('delete from outbox where subject = ? and number <= ?')
  const rewrite = db.prepare('update outbox set number = ?, event = ? where place = ?')
  const count = db.prepare<[], { n: number }>('select count(*) as n from outbox')
  const first = db.prepare<[], { place: number }>('select place from outbox order by place limit 1')
  const last = db.prepare<[], { place: number }>('select place from outbox order by place desc limit 1')

  const add = (address: Address, subject: string, eventOf: (id: string) => Numbered): string => {
    const number = nextNumber.get(subject)?.number ?? 1
    const event = eventOf(idOf(address, number))
    insert.run(subject, number, JSON.stringify(event))
    return event.id
  }

  const settle = db.transaction((subject: string, number: number, sequence: number) => {
    reach.run(sequence, subject)
    forget.run(subject, number)
  })

  /** Somebody else has written here: what waits is numbered behind it. */
  const renumber = db.transaction((subject: string, from: number) => {
    const address = addressOf(subject) as Address
    let number = from
    for (const { place, event } of waitingOf.all(subject)) {
      const { id, ...more } = JSON.parse(event) as Numbered
      const now = idOf(address, ++number)
      const renamed = (of: string) => (of === id ? now : of)
      const [correlationId, causationId] = [renamed(more.correlationId), renamed(more.causationId)]
      rewrite.run(number, JSON.stringify({ ...more, id: now, correlationId, causationId }), place)
    }
    numberAs.run(Math.max(number, producer.get(subject)?.number ?? 0), subject)
  })

  const reconcile = db.transaction((subject: string, found: readonly Recorded[], sequence: number) => {
    const rows = new Map(waitingOf.all(subject).map(({ number, event }) => [number, JSON.parse(event) as Numbered]))
    let [ours, theirs] = [0, 0]
    for (const event of found) {
      const number = numberOf(event)
      const row = rows.get(number)
      const isOurs = row?.source === event.source && row.time === event.time && row.type === event.type
      if (isOurs) ours = Math.max(ours, number)
      else theirs = Math.max(theirs, number)
    }
    settle(subject, ours, sequence)
    const [next] = waitingOf.all(subject)
    if (next && next.number <= theirs) renumber(subject, Math.max(ours, theirs))
  })

  const next = (limit: number): readonly Row[] => {
    let size = 0
    return waiting.all(limit).filter(({ event }, at) => {
      size += event.length
      return at === 0 || size <= largestBatch
    })
  }

  return {
    add,
    next,
    settle,
    reconcile,
    producer: (subject: string) => producer.get(subject),
    count: () => count.get()?.n ?? 0,
    first: () => first.get()?.place,
    last: () => last.get()?.place ?? 0,
    touch: (place: number) => void db.prepare('update outbox set place = place where place = ?').run(place),
  }
}

/** A fact's id: `artifact.root_pipeline.retraining-12` is the 12th of its producer. */
const idOf = ({ aggregate, scope, key }: Address, number: number): string => `${aggregate}.${scope}.${key}-${number}`

/** The number of a fact on its subject; 0 where its id is no producer's, as a script's is not. */
const numberOf = ({ id, address }: Recorded): number => {
  const number = Number(id.slice(id.lastIndexOf('-') + 1))
  return id === idOf(address, number) ? number : 0
}
