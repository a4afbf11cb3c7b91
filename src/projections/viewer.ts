import { asc, gt } from 'drizzle-orm'
import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { problemsOf } from '#contracts/all'
import type { Asker } from '#contracts/asker'
import { exact } from '#contracts/fields'
import { position } from '#contracts/names'
import { askerOf } from './asker.ts'
import type { Follower } from './follower.ts'
import { times } from './log-tables.ts'
import { lookout } from './presence.ts'
import { sequenceIn } from './progress.ts'
import { type Db, openReader, type Place } from './reader.ts'
import { time, type View, whole } from './view.ts'
import { type ViewName, views } from './views.ts'
import { within } from './within.ts'

/** How long `after` waits at most, in milliseconds. */
export const patience = 10_000

/** What can be said about every view. */
export const common = {
  at: z
    .union([position, time], 'use a position or a time')
    .optional()
    .describe('Looks back to a position or a time; waits for a position as `after` does'),
  after: position.optional().describe('Waits, for ten seconds at most, until this position has been reached'),
} as const

/** What can be said about a list besides. */
export const paging = {
  limit: whole
    .pipe(z.int().min(1, 'use 1 to 1000').max(1000, 'use 1 to 1000'))
    .optional()
    .describe('How many at most; 100 unless said otherwise'),
  cursor: z.string().max(8192).optional().describe('As the page before gave it'),
  order: z.enum(['asc', 'desc']).optional().describe('Which way the list goes: its cursors go on the same way'),
} as const

/** All that can be said about a view. */
export const paramsOf = ({ filters, list }: View): z.ZodObject =>
  exact({ ...filters.shape, ...common, ...(list && paging) })

export type Viewed = { readonly value: unknown; readonly position: string }

/**
 * What reads the metadata of pipelines, whatever keeps it. The projection in SQLite is one; one that asks another process over
 * HTTP is another: both pass one suite (`test/projections/views.test.ts`), and so must any that is to take their place.
 */
export type MetadataReader = {
  /**
   * Answers a view, filtered and paged as it says; `at` looks back, `after` waits. What belongs to a portal is told to `who` as far
   * as that principal may see it. Rejects with a fault that says what is wrong.
   */
  readonly ask: (name: ViewName, said: unknown, who?: string) => Promise<Viewed>
  readonly close: () => void
}

/** Asks views of a projection: waits where asked to, looks back where asked to, answers from one snapshot. */
export const viewerOf = (
  bus: Pick<Bus, 'head' | 'present' | 'connected'>,
  follower: Follower,
): MetadataReader & {
  readonly follower: Follower
  /** Who somebody is to the portal at this moment. */
  readonly asker: (who: string) => Asker
} => {
  const reader = openReader(follower.path, follower.projection)
  const look = lookout(bus)

  /** Whether the database has not reached a position yet. */
  const isAhead = (at: string): boolean =>
    position.safeParse(at).success && reader.read((_, { logId, sequence }) => sequenceIn(at, logId) > sequence)

  const ask = async (name: ViewName, said: unknown, who?: string): Promise<Viewed> => {
    const view: View = views[name]
    const parsed = paramsOf(view).safeParse(said ?? {})
    if (!parsed.success) throw faults.brokenQuery(name, problemsOf(parsed.error.issues), parsed.error.issues)
    const { at, after, ...params } = parsed.data as { at?: string; after?: string }
    if (after !== undefined) await follower.waitFor(after, patience)
    if (at !== undefined && isAhead(at)) await follower.waitFor(at, patience)
    const [head, present] = await Promise.all([
      view.live ? within(bus.head()) : undefined,
      view.presence && at === undefined ? look() : undefined,
    ])
    return reader.read((db, place) => {
      const seen = { ...place, at: placeAt(db, place, at), progress: follower.now(), head, present, who }
      return { value: view.read(db, params, seen), position: `${place.logId}.${place.sequence}` }
    })
  }

  const asker = (who: string): Asker => reader.read((db) => askerOf(db, who))

  return { ask, asker, follower, close: reader.close }
}

export type Viewer = ReturnType<typeof viewerOf>

/** The sequence to look back to: a time is the last position whose running maximum of stored time is not later. */
const placeAt = (db: Db, { logId, sequence }: Place, at: string | undefined): number | undefined => {
  if (at === undefined) return undefined
  if (position.safeParse(at).success) return sequenceIn(at, logId)
  const later = db
    .select({ first: times.sequence })
    .from(times)
    .where(gt(times.time, Date.parse(at)))
    .orderBy(asc(times.time))
    .limit(1)
    .get()?.first
  return later === undefined ? sequence : later - 1
}
