/** Rows of a list. */
export type Page<Row> = {
  readonly items: readonly Row[]
  /** Asks for what comes behind, as `cursor`; null where nothing does. */
  readonly next: string | null
  /** How far what was asked had read the log. */
  readonly position: string
}

/** What can be said of anything that is read. */
export type Seen = {
  /** Waits, for ten seconds at most, until what is recorded here can be read: reads one's own writes. */
  readonly after?: string | undefined
  /** Looks back to a position, or to a time as ISO 8601 has it. */
  readonly at?: string | undefined
}

/** What can be said of any list. `from` and `to` are times, as ISO 8601 has them. */
export type Paging = Seen & {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly order?: 'asc' | 'desc' | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Whose metadata store is asked, where all say the same; unless named, the first that answers. */
export type Asked = { readonly metadata?: string | undefined }

/** What was said, without what was left open. */
export const said = (filters: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined))
