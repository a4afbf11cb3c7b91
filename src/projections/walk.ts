import { and, desc, eq, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { digest, part } from '#contracts/names'
import { history } from './artifact-tables.ts'
import { keyOf, thingOf } from './lineage.ts'
import { visible } from './listed.ts'
import type { Db } from './reader.ts'
import type { Params, Seen, View } from './view.ts'

/** How many steps a walk takes at most. */
const furthest = 10_000

type Edge = { source: string; target: string; kind: string; sequence: number; steps: number }

/**
 * Walks lineage from some bytes. Back: from what gave them to all that it took, at or before that; an execution that took
 * nothing is there because of those before it in its run. Forward: to all that took them, and what came of it afterwards.
 */
const walk = (db: Db, from: readonly string[], back: boolean, at: number | undefined): Edge[] => {
  const limit = back ? (at ?? Number.MAX_SAFE_INTEGER) : 0
  const start = sql.join(
    from.map((key) => sql`(${key}, ${limit})`),
    sql`, `,
  )
  const until = at === undefined ? sql`true` : sql`edge.sequence <= ${at}`
  const step = back
    ? sql`select edge.source, case edge.kind when 'after' then reached.sequence else edge.sequence end
          from reached join edges edge on edge.target = reached.thing
          where edge.sequence <= reached.sequence and ${until} and ${becauseOfData('edge')}`
    : sql`select edge.target, edge.sequence
          from reached join edges edge on edge.source = reached.thing
          where edge.sequence >= reached.sequence and ${until} and edge.kind not in ('after', 'offered')`
  const [near, far] = back ? [sql`edge.target`, sql`<=`] : [sql`edge.source`, sql`>=`]
  const only = back ? becauseOfData('edge') : sql`edge.kind not in ('after', 'offered')`
  return db.all<Edge>(sql`
    with recursive reached(thing, sequence) as materialized (values ${start} union ${step} limit ${furthest + 1})
    select distinct edge.source, edge.target, edge.kind, edge.sequence, (select count(*) from reached) steps
    from reached join edges edge on ${near} = reached.thing and edge.sequence ${far} reached.sequence
    where ${until} and ${only} order by edge.sequence, edge.source, edge.target`)
}

/** An order of nodes explains an execution only where no data does. */
const becauseOfData = (edge: 'edge') =>
  sql.raw(`(${edge}.kind <> 'after' or not exists (
    select 1 from edges other where other.target = ${edge}.target and other.kind <> 'after'))`)

const filters = z.strictObject({
  digest: digest.optional(),
  store: part.optional(),
  path: z.string().min(1).max(4096).optional(),
})

const thing = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('artifact'), id: z.string(), store: z.string(), path: z.string(), digest: z.string() }),
  z.object({ kind: z.literal('execution'), id: z.string(), run: z.string(), part: z.string() }),
])

const answer = z.object({
  from: z.array(z.string()),
  things: z.array(thing),
  edges: z.array(z.object({ source: z.string(), target: z.string(), kind: z.string(), position: z.string() })),
  truncated: z.literal(true).optional().describe('There is more than is said here'),
})

/** Which bytes are meant: those of a digest, wherever they lie, or the last ones at a path. */
const meant = (db: Db, { digest: bytes, store, path }: Params, at: number | undefined): string[] => {
  const says = (column: SQLiteColumn, value: unknown) => (typeof value === 'string' ? eq(column, value) : undefined)
  const places = db
    .select({
      store: history.store,
      path: history.path,
      peer: history.peer,
      what: history.what,
      digest: history.digest,
    })
    .from(history)
    .where(
      and(
        visible(history, at),
        sql`${history.digest} is not null`,
        says(history.digest, bytes),
        store === undefined ? undefined : sql`(${history.store} = ${store} or ${history.peer} = ${store})`,
        says(history.path, path),
      ),
    )
    .orderBy(desc(history.sequence))
    .limit(furthest)
    .all()
  const newest = new Map<string, string>()
  for (const place of places) {
    // A download leaves a copy at the client.
    const all = place.what === 'downloaded' ? [place.store, place.peer] : [place.store]
    for (const lies of all) {
      if (!lies || (store !== undefined && lies !== store)) continue
      const name = bytes === undefined ? `${lies} ${place.path}` : `${lies} ${place.path} ${place.digest}`
      const key = keyOf({ kind: 'artifact', store: lies, path: place.path, digest: place.digest ?? '' })
      if (!newest.has(name)) newest.set(name, key)
    }
  }
  return [...newest.values()]
}

const walking = (description: string, back: boolean): View => ({
  description,
  filters,
  answer,
  list: false,
  read: (db, params, { at, logId }: Seen) => {
    if (params.digest === undefined && params.path === undefined)
      throw faults.brokenContract('query', 'path: say a digest or a path')
    const from = meant(db, params, at)
    if (from.length === 0) throw faults.nothingThere(`artifact ${params.digest ?? params.path}`)
    const found = walk(db, from, back, at)
    const ids = new Set([...from, ...found.flatMap(({ source, target }) => [source, target])])
    return {
      from,
      things: [...ids].map((id) => ({ id, ...thingOf(id) })),
      edges: found.map(({ sequence, steps: _, ...edge }) => ({ ...edge, position: `${logId}.${sequence}` })),
      ...((found[0]?.steps ?? 0) > furthest && { truncated: true as const }),
    }
  },
})

/** Why bytes exist: everything behind them, back to the files that were dropped in a folder. */
export const why = walking('Why an artifact exists: back to the files that were dropped in a folder', true)

/** What bytes were used by, and what came of that. */
export const usedBy = walking('What used an artifact, and what came of it', false)
