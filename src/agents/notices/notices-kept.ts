import type { Cause } from '#contracts/envelope'
import type { Local } from '../local.ts'
import type { Notice } from './notice.ts'

export type Way = 'mail' | 'webhook'

/** A notice that is to be sent, on disk until it was. */
export type Kept = {
  readonly notice: Notice
  readonly way: Way
  readonly address: string
  readonly causedBy: Cause
}

export type Due = Kept & {
  /** How often it has been tried, and since when; when it is due next; milliseconds since 1970. */
  readonly tries: number
  readonly begun: number
  readonly due: number
}

type Row = { readonly kept: string; readonly tries: number; readonly begun: number; readonly due: number }

/**
 * Notices that wait, in what a host keeps on disk. What was sent, or given up, stays known by its id, so that an event that comes once
 * more is not told once more.
 */
export const openNotices = (db: Local) => {
  db.exec(`
    create table if not exists notices (
      id text primary key,
      place text,
      kept text,
      begun integer not null,
      due integer not null,
      tries integer not null default 0
    ) strict, without rowid;
    create index if not exists waiting_notices on notices (place, due) where kept is not null;
  `)
  const insert = db.prepare<[string, string, string, number, number]>(
    'insert or ignore into notices (id, place, kept, begun, due) values (?, ?, ?, ?, ?)',
  )
  // The one of each address that is due first: the others wait behind it.
  const first = db.prepare<[], Row>(
    'select kept, tries, begun, min(due) as due from notices where kept is not null group by place order by due',
  )
  const postponed = db.prepare<[number, string]>('update notices set tries = tries + 1, due = ? where id = ?')
  const ended = db.prepare<[string]>('update notices set kept = null, place = null where id = ?')
  const dueOf = ({ kept, ...row }: Row): Due => ({ ...(JSON.parse(kept) as Kept), ...row })
  const add = db.transaction((all: readonly Kept[], now: number): void => {
    for (const one of all) insert.run(one.notice.id, placeOf(one), JSON.stringify(one), now, now)
  })
  const end = db.transaction((id: string, told: () => void): void => {
    told()
    ended.run(id)
  })
  return {
    /** Keeps all of them that are news, or none. */
    add: (all: readonly Kept[], now: number): void => add(all, now),
    /** Of each address the next one, soonest first, due or not. */
    next: (): readonly Due[] => first.all().map(dueOf),
    postpone: (id: string, due: number): void => void postponed.run(due, id),
    /** It is over; what `told` keeps is kept with that, or neither is. */
    end: (id: string, told: () => void): void => end(id, told),
  }
}

/** Where a notice goes, whoever it is for. */
export const placeOf = ({ way, address }: Pick<Kept, 'way' | 'address'>): string => `${way} ${address}`
