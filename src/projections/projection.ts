import { readFileSync } from 'node:fs'
import type { Recorded } from '#contracts/envelope'
import type { Rows } from './rows.ts'

type Message = { readonly type: string; readonly data: unknown }

/** What a projection does with each event. Pure over (rows, event): no clock, no I/O, so that a rebuild gives the same. */
export type Handlers<M extends Message> = {
  readonly [Type in M['type']]?: (
    rows: Rows,
    event: Recorded<Type, Extract<M, { readonly type: Type }>['data']>,
  ) => void
}

/** A versioned fold of the log into tables. */
export type Projection = {
  readonly name: string
  /** A new number reads the whole log afresh. */
  readonly version: number
  /** The SQL that makes its tables: `migrations/<name>-<version>.sql`, generated from the tables' definitions. */
  readonly schema: string
  /** The indexes, beside the unique ones, that its handlers read by: all others are made when a rebuild is through. */
  readonly readsBy: readonly string[]
  /** Does what is found by indexes, a part at a time, once there are any; says whether there is more of it. */
  readonly complete: (rows: Rows) => boolean
  /** Why an event whose data keeps its contract can't be understood all the same; undefined where it can. */
  readonly doubt: (event: Recorded) => string | undefined
  readonly on: Readonly<Record<string, ((rows: Rows, event: never) => void) | undefined>>
}

/** Defines a projection; its SQL lies beside it, in the sources and in the build alike. */
export const projection = (definition: Omit<Projection, 'schema'>): Projection => ({
  ...definition,
  schema: readFileSync(new URL(`./migrations/${definition.name}-${definition.version}.sql`, import.meta.url), 'utf8'),
})
