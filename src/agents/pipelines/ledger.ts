import type { Local } from '../local.ts'
import type { Arrival } from './origin.ts'
import type { Listed } from './shape.ts'

/** A file that lies in a store: what it was when it was last looked at, how it came there, which fact says so. */
export type Row = Listed & {
  readonly modified: string
  readonly origin: string
  readonly fact: string | null
  /** Of the delivery in which an execution wrote it. */
  readonly delivery?: number | null | undefined
}

/** A file that is about to be put at a path, and all that will be recorded of it. Kept until that is done, so also after a kill. */
export type Promised = Listed & { readonly origin: string; readonly arrival: Arrival }

/** What a host keeps on disk about the files of one store. */
export const openLedger = (store: string, local: Local) => {
  const known = local.prepare<[string, string], Row>('select * from files where store = ? and path = ?')
  const paths = local.prepare<[string], string>('select path from files where store = ?').pluck()
  const listed = local.prepare<[string, string, number], Listed>(
    `select path, digest, size from files where store = ? and path > ? and digest <> '' order by path limit ?`,
  )
  const keep = local.prepare(
    `insert or replace into files (store, path, digest, size, modified, origin, fact, delivery)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
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

  return {
    known: (path: string): Row | undefined => known.get(store, path),
    paths: (): Iterable<string> => paths.iterate(store),
    /** Those behind `after`, in order; a negative `limit` is none. */
    list: (after: string, limit: number): Listed[] => listed.all(store, after, limit),
    keep: ({ path, digest, size, modified, origin, fact, delivery = null }: Row): void => {
      keep.run(store, path, digest, size, modified, origin, fact, delivery)
    },
    /** Whether there was anything to remove. */
    remove: (path: string): boolean => remove.run(store, path).changes > 0,
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
  }
}
