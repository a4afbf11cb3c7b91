import { getTableColumns } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { measurement } from '#contracts/tracking'
import type { Present } from './presence.ts'
import type { Progress } from './progress.ts'
import type { Db, Place } from './reader.ts'

/** From where a view is looked at: a place in the log, now or earlier. */
export type Seen = Place & {
  /** The sequence to look back to; undefined for the present. */
  readonly at: number | undefined
  readonly progress: Progress
  /** The log's last sequence, for a view that asked for it; undefined where the server does not say. */
  readonly head?: number | undefined
  /** Who asks, where that is known: what belongs to a portal is shown to whom it may be shown. */
  readonly who?: string | undefined
  /** Who is there, for a view of the present that asked for it; undefined where nobody can tell. */
  readonly present?: Present | undefined
}

/** One thing that can be asked, the same over HTTP and over the bus. */
export type View = {
  readonly description: string
  /** What can be said about it; `at`, `after` and, for lists, paging come in beside. */
  readonly filters: z.ZodObject
  /** What one answer, or one item of a list, looks like. */
  readonly answer: z.ZodType
  readonly list: boolean
  /** Asked of one pipeline, it means that pipeline's, unless the asker says otherwise. */
  readonly scoped?: boolean
  /** It belongs to no pipeline but to the portal, and says to each what may be seen. */
  readonly portal?: boolean
  /** It says how far the projection is behind the log. */
  readonly live?: boolean
  /** It says of the present who is there. */
  readonly presence?: boolean
  readonly read: (db: Db, params: Params, seen: Seen) => unknown
}

/** What was asked, held against the view's schema. */
export type Params = Readonly<Record<string, unknown>> & {
  readonly limit?: number
  readonly order?: 'asc' | 'desc'
  readonly cursor?: string | undefined
}

/** One page of a list, and how to ask for the next; null where there is none. */
export type Page = { readonly items: readonly Shown[]; readonly next: string | null }

/** A row as people see it: positions opaque, moments in ISO 8601. */
export type Shown = Readonly<Record<string, unknown>>

const positions: ReadonlySet<string> = new Set(['since', 'until', 'sequence', 'began', 'after', 'upTo'])
const isMoment = (column: string): boolean => column === 'at' || column.endsWith('At')

/** What only orders rows, or finds them, stays inside. */
const inside: ReadonlySet<string> = new Set(['began', 'words'])

/** Makes a row fit to be seen outside. */
export const shown = (row: Readonly<Record<string, unknown>>, logId: string): Shown =>
  Object.fromEntries(
    Object.entries(row).flatMap(([column, value]) => {
      if (inside.has(column)) return []
      if (column === 'sequence') return [['position', `${logId}.${value}`]]
      if (typeof value !== 'number') return [[column, value]]
      if (positions.has(column)) return [[column, `${logId}.${value}`]]
      return [[column, isMoment(column) ? new Date(value).toISOString() : value]]
    }),
  )

/** The schema of a table's rows as `shown` gives them. */
export const schemaOf = (table: SQLiteTable): z.ZodObject =>
  z.object(
    Object.fromEntries(
      Object.entries(getTableColumns(table)).flatMap(([key, column]) => {
        if (inside.has(key)) return []
        const text = (positions.has(key) && column.dataType === 'number') || isMoment(key)
        const schema = text ? z.string() : schemaOfColumn(column)
        return [[key === 'sequence' ? 'position' : key, column.notNull || column.primary ? schema : schema.nullable()]]
      }),
    ),
  )

const schemaOfColumn = (column: {
  readonly dataType: string
  readonly columnType: string
  readonly enumValues?: readonly string[] | undefined
}): z.ZodType => {
  if (column.dataType === 'json') return z.unknown()
  if (column.columnType === 'SQLiteInteger') return z.int()
  if (column.dataType === 'number') return z.number()
  if (column.dataType === 'custom') return measurement
  return column.enumValues?.length ? z.enum(column.enumValues as [string, ...string[]]) : z.string()
}

const asWhole = 'use a whole number, in digits'

/** A whole number, also as text: of digits alone, so that nothing else passes for one. */
export const whole = z.union(
  [
    z.int(asWhole).nonnegative(asWhole),
    z
      .string()
      .regex(/^\d{1,15}$/, asWhole)
      .transform(Number),
  ],
  asWhole,
)

/** A moment in ISO 8601. */
export const time = z
  .string()
  .refine(
    (text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
    'use a time such as 2026-01-31T12:00:00Z',
  )
  .describe('A time, ISO 8601')
