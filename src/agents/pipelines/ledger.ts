import type { Local } from '../local.ts'
import type { Listed } from './handles.ts'
import type { Arrival } from './origin.ts'

/** A file that lies in a store: what it was when it was last looked at, how it came there, which fact says so. */
export type Row = Listed & {
  readonly modified: string
  readonly origin: string
  readonly fact: string | null
  /** Of the delivery in which an execution wrote it. */
  readonly delivery?: number | null | undefined
  /** Which version of its resource it is a copy of. */
  readonly version?: string | null | undefined
}

/** A file that is about to be put at a path, and all that will be recorded of it. Kept until that is done, so also after a kill. */
export type Promised = Listed & {
  readonly origin: string
  readonly arrival: Arrival
  /** All of its bytes, where they are few: then it can be put there after a kill, too. */
  readonly text?: string
}

/** Which askings have said something of what lies at a path, and what an execution said with bytes, if that was the last. */
export type Said = { readonly calls: readonly string[]; readonly last?: string | undefined }

/** What a host keeps on disk about the files of one store. */
export const openLedger = (store: string, local: Local) => {
  const said = local.prepare<[string, string], string>('select said from said where store = ? and path = ?').pluck()
  const say = local.prepare('insert or replace into said (store, path, said) values (?, ?, ?)')
  const alter = local.prepare(`update said set said = json_remove(said, '$.last') where store = ? and path = ?`)
  const unsay = local.prepare('delete from said where store = ? and path = ?')
  const known = local.prepare<[string, string], Row>('select * from files where store = ? and path = ?')
  const paths = local.prepare<[string], string>('select path from files where store = ?').pluck()
  const listed = local.prepare<[string, string, number], Listed>(
    `select path, digest, size from files where store = ? and path > ? and digest <> '' order by path limit ?`,
  )
  const keep = local.prepare(
    `insert or replace into files (store, path, digest, size, modified, origin, fact, delivery, version)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const remove = local.prepare('delete from files where store = ? and path = ?')
  const promised = local
    .prepare<[string, string], string>('select promise from promises where store = ? and path = ?')
    .pluck()
  const promises = local.prepare<[string], string>('select promise from promises where store = ?').pluck()
  const promise = local.prepare('insert or replace into promises (store, path, promise) values (?, ?, ?)')
  const release = local.prepare('delete from promises where store = ? and path = ?')
  const existing = local.prepare(
    `insert into files (store, path, digest, size, modified, origin) values (?, ?, '', -1, '', 'seen')
     on conflict (store, path) do nothing`,
  )
  const begun = local.prepare('select 1 from watched where store = ?')
  const begin = local.prepare('insert or ignore into watched (store) values (?)')
  const place = local.prepare<[string], string | null>('select place from watched where store = ?').pluck()
  const keepPlace = local.prepare('update watched set place = ? where store = ?')
  const lookedAt = local.prepare<[string], string>('select place from looked where store = ?').pluck()
  const keepLookedAt = local.prepare('insert or replace into looked (store, place) values (?, ?)')
  const fetched = local.prepare('select 1 from fetched where store = ?')
  const isFetched = local.prepare('insert or ignore into fetched (store) values (?)')

  return {
    known: (path: string): Row | undefined => known.get(store, path),
    paths: (): Iterable<string> => paths.iterate(store),
    /** Those behind `after`, in order; a negative `limit` is none. */
    list: (after: string, limit: number): Listed[] => listed.all(store, after, limit),
    keep: ({ path, digest, size, modified, origin, fact, delivery = null, version = null }: Row): void => {
      keep.run(store, path, digest, size, modified, origin, fact, delivery, version)
    },
    /** Whether there was anything to remove. */
    remove: (path: string): boolean => {
      unsay.run(store, path)
      return remove.run(store, path).changes > 0
    },
    said: (path: string): Said | undefined => {
      const found = said.get(store, path)
      return found === undefined ? undefined : JSON.parse(found)
    },
    say: (path: string, what: Said): void => {
      say.run(store, path, JSON.stringify(what))
    },
    /** Other bytes lie there: what was said with those before is not what was said of these. */
    unsay: (path: string): void => {
      alter.run(store, path)
    },
    promised: (path: string): Promised | undefined => {
      const found = promised.get(store, path)
      return found === undefined ? undefined : JSON.parse(found)
    },
    promises: (): Promised[] => promises.all(store).map((found) => JSON.parse(found)),
    promise: (promised: Promised): void => {
      promise.run(store, promised.path, JSON.stringify(promised))
    },
    release: (path: string): void => {
      release.run(store, path)
    },
    /** Notes a file that is to be left alone as it is now; it has no digest until it has been read. */
    existing: (path: string): void => {
      existing.run(store, path)
    },
    /** Whether the folder had been looked through once; `begin` says that it has. */
    begun: (): boolean => begun.get(store) !== undefined,
    begin: (): void => {
      begin.run(store)
    },
    /** Which folder it was that had been looked through; `keepPlace` says which. */
    place: (): string | undefined => place.get(store) ?? undefined,
    keepPlace: (found: string): void => {
      keepPlace.run(found, store)
    },
    /** The same of a folder that nobody watches: which one it was when a start had looked for its files. */
    lookedAt: (): string | undefined => lookedAt.get(store),
    keepLookedAt: (found: string): void => {
      keepLookedAt.run(store, found)
    },
    /** Whether a client of the store has ever said that it fetches from it; `fetch` says so. */
    fetched: (): boolean => fetched.get(store) !== undefined,
    fetch: (): void => {
      isFetched.run(store)
    },
  }
}
