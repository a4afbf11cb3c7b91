import { isNotNull, isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { artifactStates } from '#contracts/artifact'

/** One row for each state of each path in each store; the digest says which bytes. */
export const artifacts = sqliteTable(
  'artifacts',
  {
    store: text().notNull(),
    path: text().notNull(),
    digest: text().notNull(),
    size: integer(),
    state: text({ enum: artifactStates }).notNull(),
    run: text(),
    part: text(),
    at: integer().notNull(),
    since: integer().notNull(),
    until: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.store, t.path, t.since] }),
    uniqueIndex('artifacts_now').on(t.store, t.path).where(isNull(t.until)),
    index('artifacts_since').on(t.since, t.store, t.path),
    index('artifacts_since_in').on(t.store, t.since, t.path),
    // Behind those two: of two that would do, SQLite takes the later one, and this one holds the present alone.
    index('artifacts_newest').on(t.since, t.store, t.path).where(isNull(t.until)),
    index('artifacts_newest_in').on(t.store, t.since, t.path).where(isNull(t.until)),
    index('artifacts_state').on(t.state, t.store).where(isNull(t.until)),
    index('artifacts_path').on(t.path),
    index('artifacts_digest').on(t.digest),
    index('artifacts_run').on(t.run).where(isNotNull(t.run)),
  ],
)

/** The words for what can happen to an artifact. */
export const happenings = [
  'detected',
  'changed',
  'offered',
  'used',
  'produced',
  'uploaded',
  'downloaded',
  'tagged',
  'gone',
  'unreadable',
] as const

/** Everything that has happened to artifacts; nothing is ever overwritten. */
export const history = sqliteTable(
  'artifact_history',
  {
    sequence: integer().notNull(),
    store: text().notNull(),
    path: text().notNull(),
    what: text({ enum: happenings }).notNull(),
    digest: text(),
    size: integer(),
    run: text(),
    part: text(),
    attempt: integer(),
    /** The client at the other end of a transfer. */
    peer: text(),
    /** How long the transfer took, in milliseconds, where that is known. */
    took: integer(),
    reason: text(),
    principal: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.sequence, t.store, t.path] }),
    index('history_path').on(t.path, t.sequence),
    index('history_part').on(t.part, t.sequence).where(isNotNull(t.part)),
    index('history_peer').on(t.peer, t.sequence).where(isNotNull(t.peer)),
    index('history_range').on(t.store, t.sequence),
    index('history_digest').on(t.digest),
    index('history_run').on(t.run),
  ],
)

/** What was said about artifacts. */
export const artifactTags = sqliteTable(
  'artifact_tags',
  {
    sequence: integer().notNull(),
    key: text().notNull(),
    value: text().notNull(),
    store: text().notNull(),
    path: text().notNull(),
    digest: text().notNull(),
    principal: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.sequence, t.key] }), index('artifact_tags_place').on(t.path, t.store)],
)

/** Whether what a store mirrors can be seen, and why not; a store of which nothing was ever said has no row. */
export const sources = sqliteTable(
  'sources',
  {
    store: text().notNull(),
    reason: text(),
    at: integer().notNull(),
    since: integer().notNull(),
    until: integer(),
  },
  (t) => [primaryKey({ columns: [t.store, t.since] }), uniqueIndex('sources_now').on(t.store).where(isNull(t.until))],
)

/** How one thing led to another: see `lineage.ts` for what stands at either end. */
export const edgeKinds = ['used', 'produced', 'uploaded', 'downloaded', 'offered', 'after'] as const

/** Lineage: artifacts and executions, each the reason of what is behind it. */
export const edges = sqliteTable(
  'edges',
  {
    sequence: integer().notNull(),
    source: text().notNull(),
    target: text().notNull(),
    kind: text({ enum: edgeKinds }).notNull(),
    run: text(),
    part: text(),
    attempt: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.sequence, t.source, t.target] }),
    index('edges_source').on(t.source, t.sequence),
    index('edges_target').on(t.target, t.sequence),
    index('edges_run').on(t.run),
  ],
)
