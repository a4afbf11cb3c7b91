import { isNotNull, isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { type Made, type Results, steps } from '#contracts/experiment-parts'

/** Rows hold from a sequence until another one, as those of runs do. */
const held = { since: integer().notNull(), until: integer() }

/** The words for how an execution of a step ended, or stands. `superseded`: it was delivered to somebody else meanwhile. */
export const outcomes = ['scheduled', 'running', 'succeeded', 'failed', 'errored', 'cancelled', 'superseded'] as const

/** One row for each execution of a step, from when it is asked for. */
export const experimentSteps = sqliteTable(
  'experiment_steps',
  {
    experiment: text().notNull(),
    project: text().notNull(),
    part: text().notNull(),
    step: text({ enum: steps }).notNull(),
    attempt: integer().notNull(),
    try: integer().notNull(),
    /** Which delivery of the work it is; 0 where nobody has taken it yet. */
    delivery: integer().notNull(),
    run: integer(),
    agent: text().notNull(),
    host: text(),
    outcome: text({ enum: outcomes }).notNull(),
    reason: text(),
    /** What came of it; a Compose file is told with the experiment. */
    made: text({ mode: 'json' }).$type<Omit<Made, 'compose'>>(),
    results: text({ mode: 'json' }).$type<Results>(),
    askedAt: integer().notNull(),
    startedAt: integer(),
    endedAt: integer(),
    began: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.experiment, t.attempt, t.part, t.step, t.try, t.delivery, t.since] }),
    uniqueIndex('experiment_steps_now')
      .on(t.experiment, t.attempt, t.part, t.step, t.try, t.delivery)
      .where(isNull(t.until)),
    index('experiment_steps_began').on(t.experiment, t.began),
  ],
)

/** Everything that was decided of experiments; nothing is ever overwritten. */
export const experimentHistory = sqliteTable(
  'experiment_history',
  {
    sequence: integer().primaryKey(),
    experiment: text().notNull(),
    project: text().notNull(),
    type: text().notNull(),
    what: text().notNull(),
    principal: text().notNull(),
    reason: text(),
    part: text(),
    step: text({ enum: steps }),
    attempt: integer(),
    at: integer().notNull(),
  },
  (t) => [
    index('experiment_history_of').on(t.experiment, t.sequence),
    index('experiment_history_part').on(t.part, t.sequence).where(isNotNull(t.part)),
  ],
)

/** The Compose files that were written, each with the image it names. */
export const composeFiles = sqliteTable(
  'compose_files',
  {
    sequence: integer().primaryKey(),
    experiment: text().notNull(),
    attempt: integer().notNull(),
    site: text().notNull(),
    image: text().notNull(),
    digest: text().notNull(),
    compose: text().notNull(),
  },
  (t) => [index('compose_files_of').on(t.experiment, t.attempt, t.site)],
)
