import { isNull } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { occasions, type Preferences } from '#contracts/notification'
import type { Policy } from '#contracts/portal'

/** Rows hold from a sequence until another one, as those of runs do. */
const held = { since: integer().notNull(), until: integer() }

/** Who is who, and which sites there are, as the portal's file said each time. */
export const portal = sqliteTable(
  'portal',
  {
    portal: text().notNull(),
    policy: text({ mode: 'json' }).$type<Policy>().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [primaryKey({ columns: [t.portal, t.since] }), uniqueIndex('portal_now').on(t.portal).where(isNull(t.until))],
)

/** The end nodes of all sites, and which experiment has each. */
export const endNodes = sqliteTable(
  'end_nodes',
  {
    part: text().notNull(),
    site: text().notNull(),
    node: text().notNull(),
    type: text(),
    capabilities: text({ mode: 'json' }).$type<readonly string[]>().notNull(),
    /** The host that runs its own agent; null where its site server drives it. */
    agent: text(),
    /** `removed`: the portal's file has it no longer; it is here until the experiment that has it is through with it. */
    state: text({ enum: ['free', 'occupied', 'removed'] }).notNull(),
    /** The experiment that has it, and its project. */
    occupiedBy: text(),
    project: text(),
    occupiedAt: integer(),
    ...held,
  },
  (t) => [primaryKey({ columns: [t.part, t.since] }), uniqueIndex('end_nodes_now').on(t.part).where(isNull(t.until))],
)

/** For whom end nodes are kept free, from when until when. */
export const reservations = sqliteTable(
  'reservations',
  {
    part: text().notNull(),
    site: text().notNull(),
    node: text().notNull(),
    reservation: text().notNull(),
    project: text().notNull(),
    startsAt: integer().notNull(),
    endsAt: integer().notNull(),
    note: text().notNull(),
    by: text().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [
    primaryKey({ columns: [t.part, t.reservation, t.since] }),
    uniqueIndex('reservations_now').on(t.part, t.reservation).where(isNull(t.until)),
    index('reservations_order').on(t.startsAt, t.part, t.reservation),
  ],
)

/** What people want to be told, and how. */
export const people = sqliteTable(
  'people',
  {
    person: text().notNull(),
    preferences: text({ mode: 'json' }).$type<Preferences>().notNull(),
    at: integer().notNull(),
    ...held,
  },
  (t) => [primaryKey({ columns: [t.person, t.since] }), uniqueIndex('people_now').on(t.person).where(isNull(t.until))],
)

/** What people were told of experiments, or could not be told. */
export const notifications = sqliteTable(
  'notifications',
  {
    sequence: integer().primaryKey(),
    experiment: text().notNull(),
    about: text().notNull(),
    to: text().notNull(),
    way: text({ enum: ['mail', 'webhook'] }).notNull(),
    occasion: text({ enum: occasions }).notNull(),
    subject: text().notNull(),
    outcome: text({ enum: ['sent', 'failed'] }).notNull(),
    reason: text(),
    at: integer().notNull(),
  },
  (t) => [index('notifications_to').on(t.to, t.sequence), index('notifications_of').on(t.experiment, t.sequence)],
)
