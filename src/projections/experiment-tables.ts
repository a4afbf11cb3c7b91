import { isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { CloudLink } from '#contracts/cloud-link'
import { type Results, steps } from '#contracts/experiment-parts'
import { subStates } from '#contracts/experiment-standing'
import { type KnownExperiment, type Source, type Step, stages } from '#contracts/experiment-state'
import { type Wait, waitedFor } from '#contracts/experiment-waits'
import type { ResourceDefinition } from '#contracts/resource'

/** Rows hold from a sequence until another one, as those of runs do. */
const held = { since: integer().notNull(), until: integer() }

/** The words for mode and status, as people know them. */
export const modes = ['Idle', 'Development', 'TESTBED'] as const
export const statuses = ['idle', 'deploying', 'ready', 'submitted'] as const

/** What has been decided of each experiment up to now: what its next event is folded into. */
export const experimentStates = sqliteTable('experiment_states', {
  experiment: text().primaryKey(),
  state: text({ mode: 'json' }).$type<KnownExperiment>().notNull(),
})

/** One row for each state that an experiment has been in. */
export const experiments = sqliteTable(
  'experiments',
  {
    experiment: text().notNull(),
    project: text().notNull(),
    name: text().notNull(),
    description: text().notNull(),
    creator: text().notNull(),
    experimenters: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    mode: text({ enum: modes }).notNull(),
    status: text({ enum: statuses }).notNull(),
    /** Of the part that is furthest behind. */
    subState: text({ enum: subStates }).notNull(),
    /** The step at which a part failed, of several that of the one furthest behind; the part, and why. */
    failedStep: text({ enum: steps }),
    failedPart: text(),
    reason: text(),
    sites: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    nodes: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    attempt: integer().notNull(),
    run: integer().notNull(),
    approval: text({ enum: ['not-asked', 'asked', 'given', 'declined'] }).notNull(),
    /** Whom it waits for, and the one thing that moves it on; null where it waits for nobody. */
    waitsFor: text({ enum: waitedFor }),
    waits: text({ mode: 'json' }).$type<Wait>(),
    source: text({ mode: 'json' }).$type<Source>().notNull(),
    resource: text({ mode: 'json' }).$type<ResourceDefinition>().notNull(),
    /** Where its results go; what is secret of it is not said. */
    cloudLink: text({ mode: 'json' }).$type<CloudLink>(),
    /** What was built, or is to be, in its present attempt. */
    commit: text(),
    cloneOf: text(),
    state: text({ enum: ['open', 'archived'] }).notNull(),
    /** Its id, name and description, in small letters, to be searched in. */
    words: text().notNull(),
    createdAt: integer().notNull(),
    changedAt: integer().notNull(),
    began: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.experiment, t.since] }),
    uniqueIndex('experiments_now').on(t.experiment).where(isNull(t.until)),
    index('experiments_began').on(t.began),
    index('experiments_newest').on(t.began).where(isNull(t.until)),
    index('experiments_changed').on(t.since).where(isNull(t.until)),
  ],
)

/** What a part is asked to be: which step it is to take, with which image and Compose file. */
export type Desired = {
  readonly step: string | null
  readonly run: number | null
  readonly image: string | null
  /** The digest of the Compose file. */
  readonly compose: string | null
  /** Whether what runs there is told to stop. */
  readonly stop: boolean
}

/** What was reported of it last: which step, how that stands, and what is known to be there. */
export type Reported = {
  readonly step: string | null
  readonly state: string | null
  readonly phase: string | null
  readonly image: string | null
  readonly compose: string | null
  readonly exitCode: number | null
}

/** One row for each state of each site and end node of each experiment, in its present attempt. */
export const experimentParts = sqliteTable(
  'experiment_parts',
  {
    experiment: text().notNull(),
    project: text().notNull(),
    part: text().notNull(),
    site: text().notNull(),
    /** Null where the part is the site, or the portal, as a whole. */
    node: text(),
    stage: text({ enum: stages }),
    subState: text({ enum: subStates }).notNull(),
    step: text({ enum: steps }),
    state: text().$type<Step['state']>(),
    phase: text(),
    host: text(),
    try: integer(),
    run: integer(),
    failedStep: text({ enum: steps }),
    reason: text(),
    desired: text({ mode: 'json' }).$type<Desired>().notNull(),
    reported: text({ mode: 'json' }).$type<Reported>().notNull(),
    results: text({ mode: 'json' }).$type<Results>(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.experiment, t.part, t.since] }),
    uniqueIndex('experiment_parts_now').on(t.experiment, t.part).where(isNull(t.until)),
    index('experiment_parts_site').on(t.site).where(isNull(t.until)),
  ],
)

/** What each experiment waits for from people, and since when: several parts may each wait for something of their own. */
export const experimentWaits = sqliteTable(
  'experiment_waits',
  {
    experiment: text().notNull(),
    project: text().notNull(),
    /** What tells it from others of the experiment. */
    wait: text().notNull(),
    waitsFor: text({ enum: waitedFor }).notNull(),
    what: text().notNull(),
    part: text(),
    step: text({ enum: steps }),
    reason: text(),
    command: text({ mode: 'json' }).$type<NonNullable<Wait['command']>>(),
    needs: text({ mode: 'json' }).$type<NonNullable<Wait['needs']>>(),
    at: integer().notNull(),
    began: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.experiment, t.wait, t.since] }),
    uniqueIndex('experiment_waits_now').on(t.experiment, t.wait).where(isNull(t.until)),
    index('experiment_waits_oldest').on(t.began, t.wait),
  ],
)
