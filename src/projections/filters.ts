import { eq, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import type { Db } from './reader.ts'
import type { Params } from './view.ts'

/** One way to narrow a list: what may be said, and which rows it leaves. */
export type Filter = {
  readonly schema: z.ZodType
  /** Several are ways to be found: rows that any of them leaves, each found by an index of its own. */
  readonly where: (value: string, params: Params, db: Db) => SQL | readonly SQL[] | undefined
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

/** Filters that leave fewer rows than a pipeline does. SQLite, which counts no rows, would as soon go by the pipeline. */
const narrower = ['run', 'node', 'key'] as const

/** What is in a state that few are in is found by that: nearly everything has succeeded. */
const isRare = ({ state }: Params): boolean => typeof state === 'string' && state !== 'succeeded'

/** Rows of one pipeline: found by it only where nothing narrower is said. */
export const ofPipeline = (column: SQLiteColumn): Filter => ({
  schema: nameText,
  where: (value, params) =>
    isRare(params) || narrower.some((key) => params[key] !== undefined)
      ? sql`+${column} = ${value}`
      : eq(column, value),
})

/** Rows whose part or store is of one pipeline. */
export const inPipeline = (column: SQLiteColumn): Filter => ({
  schema: nameText,
  where: (value) => sql`${column} glob ${`${value}/*`}`,
})

const asRun = 'use <pipeline>/<number>, or a number'
const runAs = (said: string, form: RegExp) =>
  z.union([z.int(said).nonnegative(said).transform(String), z.string().regex(form, said)], said)
const runText = runAs(asRun, /^([\w-]{1,128}\/)?\d{1,15}$/)

/** Rows of one run of the pipeline that is asked for: `<pipeline>/<number>`, or a number. */
export const ofRun = (column: SQLiteColumn): Filter => ({
  schema: runText,
  where: (value, { pipeline }, db) => {
    if (value.includes('/') || typeof pipeline !== 'string') return inRun(column).where(value, {}, db)
    return eq(column, `${pipeline}/${value}`)
  },
})

/**
 * Rows of one run, whatever pipeline they are asked of: a run is of the pipeline that keeps its metadata, and what happens
 * in it happens in others too.
 */
export const inRun = (column: SQLiteColumn): Filter => ({
  schema: runText,
  where: (value) => (value.includes('/') ? eq(column, value) : sql`${column} glob ${`*/${value}`}`),
})

/** The same where not everything is of a run: with `none` what is of no run. */
export const ofRunOrNone = (column: SQLiteColumn): Filter => ({
  schema: runAs(`${asRun}, or none`, /^(none|([\w-]{1,128}\/)?\d{1,15})$/),
  where: (value, params, db) => (value === 'none' ? isNull(column) : ofRun(column).where(value, params, db)),
})

const nodeText = z.string().regex(/^([\w-]{1,128}\/)?[\w-]{1,128}$/, 'use <pipeline>/<node>, or a node')

const isNode = (column: SQLiteColumn, node: string): SQL =>
  node.includes('/') ? eq(column, node) : sql`${column} glob ${`*/${node}`}`

/** Rows of one store: `<pipeline>/<node>`, or the node's name alone. */
export const ofStore = (column: SQLiteColumn): Filter => ({
  schema: nodeText,
  where: (value) => isNode(column, value),
})

/** Rows of one node, found by it only where neither a run nor a rare state is said: a node is in every run. */
export const ofNode = (column: SQLiteColumn): Filter => ({
  schema: nodeText,
  where: (value, params) =>
    (params.run !== undefined || isRare(params)) && value.includes('/')
      ? sql`+${column} = ${value}`
      : isNode(column, value),
})

/** Rows that one node had a part in, in any of these columns. */
export const ofAnyNode = (...columns: readonly SQLiteColumn[]): Filter => ({
  schema: nodeText,
  where: (value, { run, path, digest }) => {
    const ways = columns.map((column) => isNode(column, value))
    return run === undefined && path === undefined && digest === undefined ? ways : or(...ways)
  },
})

/** Up to how many rows a pattern is worth finding by its beginning; a page of more is found sooner in the list's order. */
const fewPaths = 5_000

/** Rows of one path, by an index that begins with it; `*` stands for anything. */
export const atPath = (column: SQLiteColumn): Filter => ({
  schema: z.string().min(1).max(4096).describe('A path in a store; * stands for anything'),
  where: (value, { node }, db) => {
    if (!value.includes('*')) return eq(column, value)
    const matches = sql`+${column} glob ${value.replaceAll(/[[?]/g, '[$&]')}`
    const [beginning = ''] = value.split('*')
    if (beginning === '' || node !== undefined) return matches
    // No character has a byte as large as this one.
    const end = sql`${beginning} || cast(x'ff' as text)`
    const among = sql`from ${column.table} where ${column} >= ${beginning} and ${column} < ${end}`
    const [{ found } = { found: 0 }] = db.all<{ found: number }>(
      sql`select count(*) as found from (select 1 ${among} limit ${fewPaths + 1})`,
    )
    return found > fewPaths ? matches : sql`rowid in (select rowid ${among}) and ${matches}`
  },
})
