import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { nodeStates, nodes, runs } from './run-tables.ts'
import { type View, whole } from './view.ts'

/** How many spans are said at most: a run of some hundred nodes that are tried again and again has thousands. */
const most = 5_000

const span = z.object({
  part: z.string(),
  state: z.enum(nodeStates),
  reason: z.string().nullable(),
  attempt: z.int(),
  host: z.string().nullable(),
  from: z.string().describe('When it began, ISO 8601'),
  to: z.string().nullable().describe('When it ended; null while it is so'),
})

/** How one node stood, as people see it. */
export type ShownSpan = z.output<typeof span>

/** How each node of a run stood, from when until when: what a timeline draws. */
export const spans: View = {
  description: 'How each node of a run stood, from when until when: waiting, queued, at work, ended',
  filters: exact({ pipeline: name, run: whole }),
  answer: z.object({
    spans: z.array(span),
    more: z.literal(true).optional().describe('There are more than are said here'),
  }),
  list: false,
  scoped: true,
  read: (db, { pipeline, run: number }, { at }) => {
    const run = `${pipeline}/${number}`
    const upTo = at ?? Number.MAX_SAFE_INTEGER
    const [known] = db
      .select({ run: runs.run })
      .from(runs)
      .where(and(eq(runs.run, run), lte(runs.since, upTo)))
      .limit(1)
      .all()
    if (!known) throw faults.nothingThere(`run ${number} of ${pipeline}`)
    // The time of a place is that of the last one before it at which the clock of the log had moved.
    const timeOf = (column: typeof nodes.since | typeof nodes.until) =>
      sql<number | null>`(select time from times where sequence <= ${column} order by sequence desc limit 1)`
    const found = db
      .select({
        part: nodes.part,
        state: nodes.state,
        reason: nodes.reason,
        attempt: nodes.attempt,
        host: nodes.host,
        from: timeOf(nodes.since),
        to: timeOf(nodes.until),
        until: nodes.until,
      })
      .from(nodes)
      .where(and(eq(nodes.run, run), lte(nodes.since, upTo)))
      .orderBy(asc(nodes.since), asc(nodes.part))
      .limit(most + 1)
      .all()
    const moment = (time: number | null) => new Date(time ?? 0).toISOString()
    return {
      spans: found.slice(0, most).map(({ from, to, until, ...span }) => ({
        ...span,
        from: moment(from),
        to: until === null || until > upTo ? null : moment(to),
      })),
      ...(found.length > most && { more: true as const }),
    }
  },
}
