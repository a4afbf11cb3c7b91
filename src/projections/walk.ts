import type { Database, Statement } from 'better-sqlite3'
import { and, desc, eq, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { digest, part } from '#contracts/names'
import { history } from './artifact-tables.ts'
import { keyOf, thingOf } from './lineage.ts'
import { visible } from './listed.ts'
import type { Db } from './reader.ts'
import { type Params, type Seen, type View, whole } from './view.ts'

/** How many things a walk meets, unless told otherwise, and at most; and how many bytes of JSON they may be then. */
const usually = 1_000
const furthest = 10_000
const largest = 700_000

type Edge = { readonly source: string; readonly target: string; readonly kind: string; readonly sequence: number }
type Walked = { readonly edges: readonly Edge[]; readonly truncated: boolean }

/**
 * Walks lineage from some bytes, the nearest first. Back: from what gave them to all that it took, at or before that; an
 * execution that took nothing is there because of those before it in its run. Forward: to all that took them, and what came of
 * it afterwards. Ends where it has met `most` things.
 */
const walk = (db: Db, from: readonly string[], back: boolean, at: number | undefined, most: number): Walked => {
  const far = back ? (at ?? Number.MAX_SAFE_INTEGER) : 0
  // Up to where, or from where on, in the log what leads to a thing counts: the widest of all ways to it.
  const reached = new Map(from.map((thing) => [thing, far]))
  const found = new Map<string, Edge>()
  let truncated = false
  for (let level = [...reached]; level.length > 0; ) {
    const next = new Map<string, number>()
    for (const edge of edgesOf(db, level, back, at)) {
      const { source, target, kind, sequence, limit } = edge
      const thing = back ? source : target
      const until = kind === 'after' ? limit : sequence
      const known = reached.get(thing)
      if (known === undefined && reached.size >= most) {
        truncated = true
        continue
      }
      found.set(`${sequence} ${source} ${target}`, { source, target, kind, sequence })
      if (known !== undefined && (back ? known >= until : known <= until)) continue
      reached.set(thing, until)
      next.set(thing, until)
    }
    level = [...next]
  }
  const edges = [...found.values()].toSorted(
    (a, b) => a.sequence - b.sequence || compare(a.source, b.source) || compare(a.target, b.target),
  )
  return { edges, truncated }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

type Found = Edge & { readonly limit: number }

/** The edges that lead to some things, or on from them, each within its limit of the log. */
const edgesOf = (
  db: Db,
  things: readonly (readonly [string, number])[],
  back: boolean,
  at: number | undefined,
): readonly Found[] => statementOf(db, back).all(JSON.stringify(things), at ?? Number.MAX_SAFE_INTEGER)

/** A walk asks thousands of times: what it asks is prepared once for each database. */
const prepared = new WeakMap<Database, Map<boolean, Statement<[string, number], Found>>>()

const statementOf = (db: Db, back: boolean): Statement<[string, number], Found> => {
  const raw = (db as Db & { readonly $client: Database }).$client
  const known = prepared.get(raw) ?? new Map<boolean, Statement<[string, number], Found>>()
  prepared.set(raw, known)
  const found = known.get(back) ?? raw.prepare<[string, number], Found>(back ? backward : forward)
  known.set(back, found)
  return found
}

const steps = `select edge.source, edge.target, edge.kind, edge.sequence, thing.value ->> 1 as "limit"
  from json_each(?) thing cross join edges edge`

/** An order of nodes explains an execution only where no data does. */
const backward = `${steps} on edge.target = thing.value ->> 0
  where edge.sequence <= thing.value ->> 1 and edge.sequence <= ?
  and (edge.kind <> 'after' or not exists (
    select 1 from edges other where other.target = edge.target and other.kind <> 'after'))
  order by edge.sequence desc`

const forward = `${steps} on edge.source = thing.value ->> 0
  where edge.sequence >= thing.value ->> 1 and edge.sequence <= ? and edge.kind not in ('after', 'offered')
  order by edge.sequence`

const filters = exact({
  digest: digest.optional(),
  store: part.optional(),
  path: z.string().min(1).max(4096).optional(),
  limit: whole
    .pipe(z.int().min(1, `use 1 to ${furthest}`).max(furthest, `use 1 to ${furthest}`))
    .optional()
    .describe(`How many things are said at most; ${usually}, as far as a message holds them, unless said`),
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

/** What a walk met, as people see it. */
export type ShownLineage = z.output<typeof answer>

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
    const limit = params.limit as number | undefined
    for (let most = limit ?? usually; ; most = Math.floor(most / 2)) {
      const found = walk(db, from, back, at, Math.max(most, from.length))
      const ids = new Set([...from, ...found.edges.flatMap(({ source, target }) => [source, target])])
      const said = {
        from,
        things: [...ids].map((id) => ({ id, ...thingOf(id) })),
        edges: found.edges.map(({ sequence, ...edge }) => ({ ...edge, position: `${logId}.${sequence}` })),
        ...(found.truncated && { truncated: true as const }),
      }
      // Paths may be long: what is asked for without a number fits a message of the bus.
      if (limit !== undefined || most < 2 || Buffer.byteLength(JSON.stringify(said)) <= largest) return said
    }
  },
})

/** Why bytes exist: everything behind them, back to the files that were dropped in a folder. */
export const why = walking('Why an artifact exists: back to the files that were dropped in a folder', true)

/** What bytes were used by, and what came of that. */
export const usedBy = walking('What used an artifact, and what came of it', false)
