import { and, asc, desc, getTableColumns, getTableName, gt, gte, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import type { Asker } from '#contracts/asker'
import { exact } from '#contracts/fields'
import { askerOf } from './asker.ts'
import type { Filter } from './filters.ts'
import type { Db } from './reader.ts'
import { type Page, type Params, type Seen, type Shown, schemaOf, shown, time, type View } from './view.ts'

/** How many bytes the items of a page may hold, so that it fits a message of the bus; one item is always there. */
const largest = 500_000

type Listed = {
  readonly table: SQLiteTable
  readonly description: string
  /** The columns that order the rows and name one uniquely, at any position. */
  readonly order: readonly SQLiteColumn[]
  readonly newestFirst?: boolean
  /** The columns that order the rows where the list is asked for by time: then the newest come first. */
  readonly byTime?: readonly SQLiteColumn[]
  /** What the usual order is called, and the one by time. */
  readonly sorts?: readonly [string, string]
  readonly filters: Readonly<Record<string, Filter>>
  /** The moment that `from` and `to` narrow. */
  readonly moment?: SQLiteColumn
  readonly scoped?: boolean
  /** It says of the present who is there, or what whoever is there says. */
  readonly presence?: boolean
  /** Set where the list belongs to a portal: which rows somebody may see, and how each looks to them. */
  readonly portal?: {
    readonly mayBeSeen: (asker: Asker, params: Params) => SQL | undefined
    readonly seenAs?: (row: Shown, asker: Asker, seen: Seen & { readonly db: Db }) => Shown
    /** What of a row is said otherwise than the table has it. */
    readonly answer?: z.ZodRawShape
  }
}

/** A table as a list: filtered on the server, paged by cursor, at any position. */
export const listed = ({
  table,
  description,
  order: usual,
  newestFirst = false,
  byTime,
  sorts = ['path', 'time'],
  filters,
  moment,
  scoped = false,
  presence = false,
  portal,
}: Listed): View => {
  const name = getTableName(table)
  const within = moment && {
    from: { schema: time, where: (value: string) => gte(moment, Date.parse(value)) },
    to: { schema: time, where: (value: string) => lte(moment, Date.parse(value)) },
  }
  const all: Readonly<Record<string, Filter>> = { ...filters, ...within }

  const read: View['read'] = (db, params, seen): Page => {
    const { at, logId } = seen
    const { limit = 100, cursor } = params
    const isByTime = byTime !== undefined && params.sort === sorts[1]
    const asker = portal && askerOf(db, seen.who)
    const allowed = asker && portal?.mayBeSeen(asker, params)
    const order = isByTime ? byTime : usual
    const place = cursor === undefined ? undefined : placeIn(cursor, name, order, params)
    const direction = place?.direction ?? params.order ?? (newestFirst || isByTime ? 'desc' : 'asc')
    const wanted = Object.entries(all).flatMap(([key, { where }]) => {
      const said = typeof params[key] === 'string' ? where(params[key], params, db) : undefined
      return said ? [said] : []
    })
    const along = (way: SQL | undefined) =>
      db
        .select()
        .from(table)
        .where(
          and(
            visible(table, at, { bySince: isByTime }),
            ...wanted.filter(isOne),
            allowed,
            way,
            place && behind(order, place),
          ),
        )
        .orderBy(...order.map((column) => (direction === 'desc' ? desc(column) : asc(column))))
        .limit(limit + 1)
        .all()
    const ways = wanted.find(isSeveral)
    const found = ways ? merged(ways.map(along), order, direction).slice(0, limit + 1) : along(undefined)
    const looks = (row: Shown): Shown => (asker ? (portal?.seenAs?.(row, asker, { ...seen, db }) ?? row) : row)
    const items = fitting(found.slice(0, limit).map((row) => looks(shown(row, logId))))
    const last = found[items.length - 1]
    const next = found.length > items.length && last ? cursorAfter(last, name, order, direction) : null
    return { items, next }
  }

  const narrowing = Object.fromEntries(Object.entries(all).map(([key, { schema }]) => [key, schema.optional()]))
  const shape = { ...narrowing, ...(byTime && { sort: sortOf(sorts) }) }
  const answer = schemaOf(table).extend(portal?.answer ?? {})
  return {
    ...{ description, filters: exact(shape), answer, list: true, scoped, presence, read },
    ...(portal && { portal: true }),
  }
}

const sortOf = (sorts: readonly [string, string]) =>
  z.enum(sorts).optional().describe(`By ${sorts[0]} unless said otherwise; by ${sorts[1]}, the newest come first`)

/** What holds at a place in the log: in a table that only grows, what had been added. */
export const visible = (table: SQLiteTable, at: number | undefined, { bySince = false } = {}): SQL | undefined => {
  const { since, until, sequence, began } = getTableColumns(table) as Readonly<Record<string, SQLiteColumn>>
  if (!since || !until) return at === undefined || !sequence ? undefined : lte(sequence, at)
  if (at === undefined) return isNull(until)
  // An index over since is of use only where rows are wanted in that order; one over what they began at ends where `at` is.
  const older = and(bySince ? lte(since, at) : sql`+${since} <= ${at}`, began && lte(began, at))
  return and(older, or(isNull(until), gt(until, at)))
}

const isSeveral = (said: SQL | readonly SQL[]): said is readonly SQL[] => Array.isArray(said)
const isOne = (said: SQL | readonly SQL[]): said is SQL => !isSeveral(said)

/** What several queries found in one order, as if one query had: each row once. */
const merged = (found: readonly Row[][], order: readonly SQLiteColumn[], direction: Direction): readonly Row[] => {
  const unique = new Map(found.flat().map((row) => [JSON.stringify(order.map(({ name }) => row[name])), row]))
  const compare = (a: Row, b: Row): number => {
    for (const { name } of order) {
      const [one, other] = [a[name], b[name]]
      const sign =
        typeof one === 'number' ? one - Number(other) : Buffer.from(`${one}`).compare(Buffer.from(`${other}`))
      if (sign !== 0) return direction === 'desc' ? -sign : sign
    }
    return 0
  }
  return [...unique.values()].toSorted(compare)
}

/** As many rows as one page may hold, one at least; `most` in bytes of JSON. */
export const fitting = (rows: readonly Shown[], most = largest): readonly Shown[] => {
  let bytes = 0
  const tooMany = rows.findIndex((row) => {
    bytes += Buffer.byteLength(JSON.stringify(row))
    return bytes > most
  })
  return tooMany < 0 ? rows : rows.slice(0, Math.max(1, tooMany))
}

type Direction = NonNullable<Params['order']>
type Row = Readonly<Record<string, unknown>>

/** Where a page ended, and which way its list went. */
type Ended = { readonly direction: Direction; readonly key: readonly (string | number)[] }

/** Rows behind the end of a page, in the order of the list. */
const behind = (order: readonly SQLiteColumn[], { direction, key }: Ended): SQL => {
  const columns = sql.join(
    order.map((column) => sql`${column}`),
    sql`, `,
  )
  const values = sql.join(
    key.map((value) => sql`${value}`),
    sql`, `,
  )
  return direction === 'desc' ? sql`(${columns}) < (${values})` : sql`(${columns}) > (${values})`
}

const cursorAfter = (row: Row, name: string, order: readonly SQLiteColumn[], direction: Direction): string =>
  Buffer.from(JSON.stringify([name, direction, ...order.map((column) => row[column.name])])).toString('base64url')

const cursorKey = z.tuple([z.string(), z.enum(['asc', 'desc'])], z.union([z.string(), z.number()]))

/** A cursor goes on the way that its list went: asked for another way, it is none of that list. */
const placeIn = (cursor: string, name: string, columns: readonly SQLiteColumn[], { order }: Params): Ended => {
  try {
    const [of, direction, ...key] = cursorKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    const isOfThese = of === name && key.length === columns.length
    if (isOfThese && (order ?? direction) === direction) return { direction, key }
  } catch {}
  throw faults.badCursor()
}
