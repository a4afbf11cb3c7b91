import { count } from 'drizzle-orm'
import { z } from 'zod'
import { exact } from '#contracts/fields'
import { visible } from './listed.ts'
import { rejected } from './log-tables.ts'
import type { View } from './view.ts'

/** How the projection is: how far, how far behind, and what it could not take. */
export const status: View = {
  description: 'How far the projection is, how far behind the log, and what it could not take',
  filters: exact({}),
  answer: z.object({
    position: z.string(),
    head: z.string().nullable().describe('The end of the log; null where the server does not say'),
    lag: z.int().nullable().describe('Messages of the log that are not applied yet; null where the end is unknown'),
    state: z.enum(['catching up', 'following', 'rebuilding', 'halted']),
    degraded: z.boolean().describe('Some events did not keep their contract and were passed over'),
    rejected: z.int(),
    dropped: z.int().describe('Messages under events. that were no events'),
    halted: z.object({ position: z.string(), type: z.string(), reason: z.string() }).optional(),
  }),
  list: false,
  live: true,
  read: (db, _, { at, logId, sequence, progress, head }) => {
    const broken = db.select({ events: count() }).from(rejected).where(visible(rejected, at)).get()?.events ?? 0
    const { state, dropped, halted } = progress
    const known = head !== undefined
    const place = {
      position: `${logId}.${sequence}`,
      head: known ? `${logId}.${head}` : null,
      lag: known ? Math.max(0, head - sequence) : null,
    }
    return { ...place, state, degraded: broken > 0, rejected: broken, dropped, ...(halted && { halted }) }
  },
}
