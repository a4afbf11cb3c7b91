import { and, asc, desc, eq, getTableColumns, getTableName, gt, gte, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { type Page, type Params, schemaOf, shown, time, type View } from './view.ts'

/** One way to narrow a list: what may be said, and which rows it leaves. */
export type Filter = {
  readonly schema: z.ZodType
  readonly where: (value: string, params: Params) => SQL | undefined
}

type Listed = {
  readonly table: SQLiteTable
  readonly description: string
  /** The columns that order the rows and name one uniquely, at any position. */
  readonly order: readonly SQLiteColumn[]
  readonly newestFirst?: boolean
  readonly filters: Readonly<Record<string, Filter>>
  /** The moment that `from` and `to` narrow. */
  readonly moment?: SQLiteColumn
  readonly scoped?: boolean
}

/** A table as a list: filtered on the server, paged by cursor, at any position. */
export const listed = ({
  table,
  description,
  order,
  newestFirst = false,
  filters,
  moment,
  scoped = false,
}: Listed): View => {
  const name = getTableName(table)
  const within = moment && {
    from: { schema: time, where: (value: string) => gte(moment, Date.parse(value)) },
    to: { schema: time, where: (value: string) => lte(moment, Date.parse(value)) },
  }
  const all: Readonly<Record<string, Filter>> = { ...filters, ...within }

  const read: View['read'] = (db, params, { at, logId }): Page => {
    const { limit = 100, cursor } = params
    const wanted = Object.entries(all).map(([key, { where }]) =>
      typeof params[key] === 'string' ? where(params[key], params) : undefined,
    )
    const beyond = cursor === undefined ? undefined : behind(order, keyIn(cursor, name, order.length), newestFirst)
    const found = db
      .select()
      .from(table)
      .where(and(visible(table, at), ...wanted, beyond))
      .orderBy(...order.map((column) => (newestFirst ? desc(column) : asc(column))))
      .limit(limit + 1)
      .all()
    const rows = found.slice(0, limit)
    const last = rows.at(-1)
    const next = found.length > limit && last ? cursorAfter(last, name, order) : null
    return { items: rows.map((row) => shown(row, logId)), next }
  }

  const shape = Object.fromEntries(Object.entries(all).map(([key, { schema }]) => [key, schema.optional()]))
  return { description, filters: z.strictObject(shape), answer: schemaOf(table), list: true, scoped, read }
}

/** What holds at a place in the log: in a table that only grows, what had been added. */
export const visible = (table: SQLiteTable, at: number | undefined): SQL | undefined => {
  const { since, until, sequence } = getTableColumns(table) as Readonly<Record<string, SQLiteColumn>>
  if (!since || !until) return at === undefined || !sequence ? undefined : lte(sequence, at)
  return at === undefined ? isNull(until) : and(lte(since, at), or(isNull(until), gt(until, at)))
}

/** Rows behind one with this key, in the order of the list. */
const behind = (order: readonly SQLiteColumn[], key: readonly unknown[], newestFirst: boolean): SQL => {
  const columns = sql.join(
    order.map((column) => sql`${column}`),
    sql`, `,
  )
  const values = sql.join(
    key.map((value) => sql`${value}`),
    sql`, `,
  )
  return newestFirst ? sql`(${columns}) < (${values})` : sql`(${columns}) > (${values})`
}

const cursorAfter = (row: Readonly<Record<string, unknown>>, name: string, order: readonly SQLiteColumn[]): string =>
  Buffer.from(JSON.stringify([name, ...order.map((column) => row[column.name])])).toString('base64url')

const cursorKey = z.array(z.union([z.string(), z.number()]))

const keyIn = (cursor: string, name: string, length: number): readonly (string | number)[] => {
  try {
    const [of, ...key] = cursorKey.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    if (of === name && key.length === length) return key
  } catch {}
  throw faults.badCursor()
}

const nameText = z.string().regex(/^[\w-]{1,128}$/, 'use a name')

/** Rows where a column says exactly this. */
export const is = (column: SQLiteColumn, schema: z.ZodType = z.string().max(4096)): Filter => ({
  schema,
  where: (value) => eq(column, value),
})

/** Rows of one of these states. */
export const oneOf = (column: SQLiteColumn): Filter =>
  is(column, z.enum(column.enumValues as unknown as [string, ...string[]]))

export const ofPipeline = (column: SQLiteColumn): Filter => is(column, nameText)

/** Rows whose part or store is of one pipeline. */
export const inPipeline = (column: SQLiteColumn): Filter => ({
  schema: nameText,
  where: (value) => sql`${column} glob ${`${value}/*`}`,
})

/** Rows of one run: `<pipeline>/<number>`, or a number. */
export const ofRun = (column: SQLiteColumn): Filter => ({
  schema: z.coerce.string().regex(/^([\w-]{1,128}\/)?\d{1,15}$/, 'use <pipeline>/<number>, or a number'),
  where: (value, { pipeline }) => {
    if (value.includes('/')) return eq(column, value)
    return typeof pipeline === 'string' ? eq(column, `${pipeline}/${value}`) : sql`${column} glob ${`*/${value}`}`
  },
})

/** Rows of one node: `<pipeline>/<node>`, or the node's name alone. */
export const ofNode = (...columns: readonly SQLiteColumn[]): Filter => ({
  schema: z.string().regex(/^([\w-]{1,128}\/)?[\w-]{1,128}$/, 'use <pipeline>/<node>, or a node'),
  where: (value) =>
    or(...columns.map((column) => (value.includes('/') ? eq(column, value) : sql`${column} glob ${`*/${value}`}`))),
})

/** Rows of one path; `*` stands for anything. */
export const atPath = (column: SQLiteColumn): Filter => ({
  schema: z.string().min(1).max(4096).describe('A path in a store; * stands for anything'),
  where: (value) =>
    value.includes('*') ? sql`${column} glob ${value.replaceAll(/[[?]/g, '[$&]')}` : eq(column, value),
})
