import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** Where a projection is, in its only row. Changed in the same transaction as the rows that it speaks of. */
export const checkpoint = sqliteTable('checkpoint', {
  one: integer().primaryKey(),
  name: text().notNull(),
  version: integer().notNull(),
  logId: text().notNull(),
  sequence: integer().notNull(),
  lastId: text(),
  lastSequence: integer(),
  /** Messages under `events.` that were no events. */
  dropped: integer().notNull(),
  /** The greatest moment of storing so far. */
  time: integer().notNull(),
})

/** Events that did not keep their contract: passed over, live and on rebuild alike. */
export const rejected = sqliteTable('rejected', {
  sequence: integer().primaryKey(),
  id: text().notNull(),
  type: text().notNull(),
  version: integer().notNull(),
  aggregate: text().notNull(),
  scope: text().notNull(),
  key: text().notNull(),
  reason: text().notNull(),
  at: integer().notNull(),
})

/** The running maximum of stored times: one row where it grows, so that a time can be mapped to a position. */
export const times = sqliteTable('times', { sequence: integer().primaryKey(), time: integer().notNull() }, (t) => [
  index('times_time').on(t.time),
])
