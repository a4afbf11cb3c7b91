import { isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Graph } from '#contracts/pipeline'

/**
 * What is known of runs. A row of what changes carries the sequence it holds since, and the one it held until; the present
 * is the row without an end. Sequences are numbers here and positions outside; moments are milliseconds since 1970.
 */
const held = { since: integer().notNull(), until: integer() }

/** One row for each state that a run has been in. `run` is `<pipeline>/<number>`, here and everywhere. */
export const runs = sqliteTable(
  'runs',
  {
    run: text().notNull(),
    pipeline: text().notNull(),
    number: integer().notNull(),
    state: text({ enum: ['running', 'succeeded', 'failed'] }).notNull(),
    trigger: text().notNull(),
    message: text().notNull(),
    graph: text().notNull(),
    failed: text({ mode: 'json' }).$type<readonly string[]>(),
    correlation: text().notNull(),
    began: integer().notNull(),
    startedAt: integer().notNull(),
    endedAt: integer(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.run, t.since] }),
    uniqueIndex('runs_now').on(t.run).where(isNull(t.until)),
    index('runs_began').on(t.began),
    index('runs_pipeline').on(t.pipeline, t.began).where(isNull(t.until)),
  ],
)

/** The words for how a node stands in a run. A store is `succeeded` from the start: it is ready. */
export const nodeStates = ['waiting', 'queued', 'running', 'succeeded', 'failed', 'errored', 'skipped'] as const

/** One row for each state that a node has been in, in each run. `after` are the nodes before it in that run. */
export const nodes = sqliteTable(
  'nodes',
  {
    run: text().notNull(),
    pipeline: text().notNull(),
    part: text().notNull(),
    kind: text().notNull(),
    after: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    state: text({ enum: nodeStates }).notNull(),
    reason: text(),
    attempt: integer().notNull(),
    host: text(),
    message: text(),
    began: integer().notNull(),
    startedAt: integer(),
    endedAt: integer(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.run, t.part, t.since] }),
    uniqueIndex('nodes_now').on(t.run, t.part).where(isNull(t.until)),
    index('nodes_began').on(t.began, t.part),
    index('nodes_part').on(t.part, t.began),
    index('nodes_unknown').on(t.kind).where(isNull(t.until)),
  ],
)

/** One row for each execution of a node, while it runs and once it has ended. */
export const attempts = sqliteTable(
  'attempts',
  {
    run: text().notNull(),
    pipeline: text().notNull(),
    part: text().notNull(),
    attempt: integer().notNull(),
    delivery: integer().notNull(),
    instance: text().notNull(),
    host: text().notNull(),
    outcome: text({ enum: ['running', 'succeeded', 'failed', 'errored', 'superseded'] }).notNull(),
    reason: text(),
    message: text(),
    began: integer().notNull(),
    startedAt: integer().notNull(),
    endedAt: integer(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.run, t.part, t.attempt, t.delivery, t.instance, t.since] }),
    uniqueIndex('attempts_now').on(t.run, t.part, t.attempt, t.delivery, t.instance).where(isNull(t.until)),
    index('attempts_began').on(t.began),
    index('attempts_part').on(t.part, t.began),
  ],
)

/** Reports that came too late. */
export const ignored = sqliteTable('ignored', {
  sequence: integer().primaryKey(),
  run: text().notNull(),
  pipeline: text().notNull(),
  part: text().notNull(),
  attempt: integer().notNull(),
  delivery: integer().notNull(),
  instance: text().notNull(),
  reported: text().notNull(),
  reason: text().notNull(),
  at: integer().notNull(),
})

/** Why each run was started. */
export const triggers = sqliteTable(
  'triggers',
  {
    sequence: integer().primaryKey(),
    run: text().notNull(),
    pipeline: text().notNull(),
    kind: text().notNull(),
    message: text().notNull(),
    request: text(),
    graph: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [index('triggers_run').on(t.run)],
)

/** Runs that somebody asked for, with the run that came of it. */
export const requests = sqliteTable(
  'requests',
  {
    request: text().notNull(),
    pipeline: text().notNull(),
    message: text().notNull(),
    state: text({ enum: ['queued', 'answered'] }).notNull(),
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

/** The range of each resource's facts that a run was offered. */
export const offers = sqliteTable(
  'offers',
  {
    sequence: integer().notNull(),
    run: text().notNull(),
    pipeline: text().notNull(),
    resource: text().notNull(),
    after: integer().notNull(),
    upTo: integer().notNull(),
    count: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.sequence, t.resource] }), index('offers_run').on(t.run)],
)

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
