import { isNull, sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Firing } from '#contracts/pipeline'
import type { Repetition } from '#contracts/repetition'

/**
 * What is known of runs. A row of what changes carries the sequence it holds since, and the one it held until; the present
 * is the row without an end. Sequences are numbers here and positions outside; moments are milliseconds since 1970.
 */
const held = { since: integer().notNull(), until: integer() }

/** The words for how a run stands. */
export const runStates = ['running', 'paused', 'cancelling', 'succeeded', 'failed', 'cancelled', 'timed-out'] as const

/** Who holds a run back, and why: somebody who asked it of the run, or its pipeline that is paused. */
export type Holder = {
  readonly by: 'request' | 'pipeline'
  readonly reason: string
  readonly principal: string
}

/** One row for each state that a run has been in. `run` is `<pipeline>/<number>`, here and everywhere. */
export const runs = sqliteTable(
  'runs',
  {
    run: text().notNull(),
    pipeline: text().notNull(),
    number: integer().notNull(),
    state: text({ enum: runStates }).notNull(),
    /** Why it is paused, why it ended before its time, or what did not succeed and how that begins. */
    reason: text(),
    /** Who holds it back, while it is paused. */
    heldBy: text({ mode: 'json' }).$type<readonly Holder[]>(),
    /** Who ended it before its time. */
    principal: text(),
    trigger: text().notNull(),
    message: text().notNull(),
    graph: text().notNull(),
    failed: text({ mode: 'json' }).$type<readonly string[]>(),
    /** What may be executed still though the run has ended. */
    unstopped: text({ mode: 'json' }).$type<readonly string[]>(),
    /** The run that it repeats. */
    repeats: integer(),
    /** Of its inputs, outputs, metrics, params and tags, once it has ended. */
    hash: text(),
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
    index('runs_unhashed').on(t.run).where(sql`"hash" is null and "endedAt" is not null`),
    index('runs_state').on(t.state, t.began).where(isNull(t.until)),
    index('runs_pipeline').on(t.pipeline, t.began).where(isNull(t.until)),
  ],
)

/** The words for how a node stands in a run. A store is `succeeded` from the start: it is ready. */
export const nodeStates = [
  'waiting',
  'paused',
  'queued',
  'preparing',
  'running',
  'cleaning-up',
  'succeeded',
  'failed',
  'errored',
  'skipped',
  'cancelled',
] as const

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
    /** The run whose results stand for it: it is not executed in this one. */
    reused: integer(),
    /** When it is tried again. */
    dueAt: integer(),
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
    index('nodes_state').on(t.state, t.began, t.part).where(isNull(t.until)),
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
    outcome: text({ enum: ['running', 'succeeded', 'failed', 'errored', 'cancelled', 'superseded'] }).notNull(),
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
    metric: text({ mode: 'json' }).$type<Firing>(),
    rerun: text({ mode: 'json' }).$type<Repetition>(),
    graph: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [index('triggers_run').on(t.run)],
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
