import { isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Firing, Graph } from '#contracts/pipeline'
import type { Repetition } from '#contracts/repetition'

/**
 * What is known of pipelines: how each looks, whether it is held back, what was asked of it and what it waits for. Rows hold
 * from a sequence until another one, as those of runs do.
 */
const held = { since: integer().notNull(), until: integer() }

/** What pipelines look like, version by version. */
export const graphs = sqliteTable(
  'graphs',
  {
    pipeline: text().notNull(),
    version: integer().notNull(),
    digest: text().notNull(),
    graph: text({ mode: 'json' }).$type<Graph>().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.pipeline, t.since] }),
    uniqueIndex('graphs_now').on(t.pipeline).where(isNull(t.until)),
  ],
)

/** Whether pipelines are held back. */
export const pauses = sqliteTable(
  'pauses',
  {
    pipeline: text().notNull(),
    state: text({ enum: ['paused', 'resumed'] }).notNull(),
    reason: text(),
    principal: text().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.pipeline, t.since] }),
    uniqueIndex('pauses_now').on(t.pipeline).where(isNull(t.until)),
  ],
)

/** Why what has arrived at a node is not enough for a run. */
export const waits = sqliteTable(
  'waits',
  {
    pipeline: text().notNull(),
    part: text().notNull(),
    reason: text(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.pipeline, t.part, t.since] }),
    uniqueIndex('waits_now').on(t.pipeline, t.part).where(isNull(t.until)),
    index('waits_part').on(t.part).where(isNull(t.until)),
  ],
)

/** Runs that somebody asked for, with the run that came of it. */
export const requests = sqliteTable(
  'requests',
  {
    request: text().notNull(),
    pipeline: text().notNull(),
    message: text().notNull(),
    metric: text({ mode: 'json' }).$type<Firing>(),
    rerun: text({ mode: 'json' }).$type<Repetition>(),
    state: text({ enum: ['queued', 'answered', 'dropped'] }).notNull(),
    /** Why no run came of it. */
    reason: text(),
    run: text(),
    principal: text().notNull(),
    began: integer().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.request, t.since] }),
    uniqueIndex('requests_now').on(t.request).where(isNull(t.until)),
  ],
)
