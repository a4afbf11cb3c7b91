import { eq, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import type { Params } from './view.ts'

/** One way to narrow a list: what may be said, and which rows it leaves. */
export type Filter = {
  readonly schema: z.ZodType
  /** Several are ways to be found: rows that any of them leaves, each found by an index of its own. */
  readonly where: (value: string, params: Params) => SQL | readonly SQL[] | undefined
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

/** Rows of one pipeline: found by it only where nothing narrower is said. */
export const ofPipeline = (column: SQLiteColumn): Filter => ({
  schema: nameText,
  where: (value, params) =>
    narrower.some((key) => params[key] !== undefined) ? sql`+${column} = ${value}` : eq(column, value),
})

/** Rows whose part or store is of one pipeline. */
export const inPipeline = (column: SQLiteColumn): Filter => ({
  schema: nameText,
  where: (value) => sql`${column} glob ${`${value}/*`}`,
})

const runText = z.union(
  [z.int().nonnegative().transform(String), z.string().regex(/^([\w-]{1,128}\/)?\d{1,15}$/)],
  'use <pipeline>/<number>, or a number',
)

/** Rows of one run of the pipeline that is asked for: `<pipeline>/<number>`, or a number. */
export const ofRun = (column: SQLiteColumn): Filter => ({
  schema: runText,
  where: (value, { pipeline }) => {
    if (value.includes('/') || typeof pipeline !== 'string') return inRun(column).where(value, {})
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

const nodeText = z.string().regex(/^([\w-]{1,128}\/)?[\w-]{1,128}$/, 'use <pipeline>/<node>, or a node')

const isNode = (column: SQLiteColumn, node: string): SQL =>
  node.includes('/') ? eq(column, node) : sql`${column} glob ${`*/${node}`}`

/** Rows of one store: `<pipeline>/<node>`, or the node's name alone. */
export const ofStore = (column: SQLiteColumn): Filter => ({
  schema: nodeText,
  where: (value) => isNode(column, value),
})

/** Rows of one node, found by it only where no run is said: a node is in every run. */
export const ofNode = (column: SQLiteColumn): Filter => ({
  schema: nodeText,
  where: (value, { run }) =>
    run !== undefined && value.includes('/') ? sql`+${column} = ${value}` : isNode(column, value),
})

/** Rows that one node had a part in, in any of these columns. */
export const ofAnyNode = (...columns: readonly SQLiteColumn[]): Filter => ({
  schema: nodeText,
  where: (value, { run, path, digest }) => {
    const ways = columns.map((column) => isNode(column, value))
    return run === undefined && path === undefined && digest === undefined ? ways : or(...ways)
  },
})

/** Rows of one path; `*` stands for anything. */
export const atPath = (column: SQLiteColumn): Filter => ({
  schema: z.string().min(1).max(4096).describe('A path in a store; * stands for anything'),
  where: (value) =>
    value.includes('*') ? sql`${column} glob ${value.replaceAll(/[[?]/g, '[$&]')}` : eq(column, value),
})
