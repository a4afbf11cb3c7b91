import { gt, min } from 'drizzle-orm'
import { z } from 'zod'
import type { Bus } from '#bus/bus'
import { faults } from '#bus/fault'
import { problemsOf } from '#contracts/all'
import { position } from '#contracts/names'
import type { Follower } from './follower.ts'
import { times } from './log-tables.ts'
import { sequenceIn } from './progress.ts'
import { type Db, openReader, type Place } from './reader.ts'
import { time, type View } from './view.ts'
import { type ViewName, views } from './views.ts'

/** How long `after` waits at most, in milliseconds. */
export const patience = 10_000

/** What can be said about every view. */
export const common = {
  at: z.union([position, time], 'use a position or a time').optional().describe('Looks back to a position or a time'),
  after: position.optional().describe('Waits, for ten seconds at most, until this position has been reached'),
} as const

/** What can be said about a list besides. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).optional().describe('How many at most; 100 unless said otherwise'),
  cursor: z.string().max(8192).optional().describe('As the page before gave it'),
} as const

/** All that can be said about a view. */
export const paramsOf = ({ filters, list }: View): z.ZodObject =>
  z.strictObject({ ...filters.shape, ...common, ...(list && paging) })

export type Viewed = { readonly value: unknown; readonly position: string }

/** Asks views of a projection: waits where asked to, looks back where asked to, answers from one snapshot. */
export const viewerOf = (bus: Pick<Bus, 'head'>, follower: Follower) => {
  const reader = openReader(follower.path, follower.projection)

  const ask = async (name: ViewName, said: unknown): Promise<Viewed> => {
    const view: View = views[name]
    const parsed = paramsOf(view).safeParse(said ?? {})
    if (!parsed.success) throw faults.brokenQuery(name, problemsOf(parsed.error.issues), parsed.error.issues)
    const { at, after, ...params } = parsed.data as { at?: string; after?: string }
    if (after !== undefined) await follower.waitFor(after, patience)
    const head = view.live ? await bus.head().catch(() => undefined) : undefined
    return reader.read((db, place) => {
      const seen = { ...place, at: placeAt(db, place, at), progress: follower.now(), head }
      return { value: view.read(db, params, seen), position: `${place.logId}.${place.sequence}` }
    })
  }

  return { ask, follower, close: reader.close }
}

export type Viewer = ReturnType<typeof viewerOf>

/** The sequence to look back to: a time is the last position whose running maximum of stored time is not later. */
const placeAt = (db: Db, { logId, sequence }: Place, at: string | undefined): number | undefined => {
  if (at === undefined) return undefined
  if (position.safeParse(at).success) return sequenceIn(at, logId)
  const later = db
    .select({ first: min(times.sequence) })
    .from(times)
    .where(gt(times.time, Date.parse(at)))
    .get()?.first
  return later === null || later === undefined ? sequence : later - 1
}
