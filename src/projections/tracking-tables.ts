import { isNull } from 'drizzle-orm'
import { customType, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { z } from 'zod'
import type { measurement } from '#contracts/tracking'

/** A number, or one of three that JSON has no word for: those are kept as text, which the affinity of the column leaves alone. */
const number = customType<{ data: z.output<typeof measurement> }>({ dataType: () => 'real' })

/** What was noted belongs to a run where it names one, and to a pipeline in any case. It only grows. */
const noted = {
  sequence: integer().primaryKey(),
  key: text().notNull(),
  pipeline: text().notNull(),
  run: text(),
  part: text(),
  attempt: integer(),
  principal: text().notNull(),
  at: integer().notNull(),
}

/** Numbers that were measured. Indexes end with the sequence, which is the row's id, by themselves. */
export const metrics = sqliteTable('metrics', { ...noted, value: number().notNull(), step: integer() }, (t) => [
  index('metrics_key').on(t.key),
  index('metrics_run').on(t.run),
  index('metrics_part').on(t.part),
  index('metrics_pipeline').on(t.pipeline),
])

/** Settings that were noted. */
export const params = sqliteTable('params', { ...noted, value: text({ mode: 'json' }).$type<unknown>() }, (t) => [
  index('params_run').on(t.run),
  index('params_part').on(t.part),
  index('params_pipeline').on(t.pipeline),
])

/** Tags of runs. */
export const tags = sqliteTable('tags', { ...noted, value: text().notNull() }, (t) => [
  index('tags_run').on(t.run),
  index('tags_part').on(t.part),
  index('tags_pipeline').on(t.pipeline),
])

/** Processes that took their name, with the nodes they run. Whether one is there now, presence says. */
export const hosts = sqliteTable(
  'hosts',
  {
    host: text().notNull(),
    instance: text().notNull(),
    machine: text().notNull(),
    pid: integer().notNull(),
    version: text().notNull(),
    nodes: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    state: text({ enum: ['started', 'stopped'] }).notNull(),
    startedAt: integer().notNull(),
    endedAt: integer(),
    since: integer().notNull(),
    until: integer(),
  },
  (t) => [primaryKey({ columns: [t.host, t.since] }), uniqueIndex('hosts_now').on(t.host).where(isNull(t.until))],
)
