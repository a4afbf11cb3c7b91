import { and, asc, desc, eq, type SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { z } from 'zod'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { history } from './artifact-tables.ts'
import { definitionsIn, inOrder } from './in-order.ts'
import { lastHosts } from './last-hosts.ts'
import { fitting, visible } from './listed.ts'
import { askedOf } from './presence.ts'
import { attempts, ignored, nodeStates, nodes, offers, runs, triggers } from './run-tables.ts'
import { metrics, params, tags } from './tracking-tables.ts'
import { type Shown, schemaOf, shown, type View, whole } from './view.ts'
import { isLost, reasonOf } from './waiting.ts'

const behindRun = { nodes, attempts, triggers, offers, artifacts: history, metrics, params, tags, ignored } as const
/** How many rows of a section are said at once, and how many bytes in all: a run may have logged millions of numbers. */
const most = 1_000
const largest = 700_000

const sections = Object.entries(behindRun) as [keyof typeof behindRun, (typeof behindRun)[keyof typeof behindRun]][]

/** One run with all that belongs to it: its nodes, what they did, took and gave, and what was measured. */
export const oneRun: View = {
  description: 'One run with its nodes, attempts, artifacts, metrics, params and tags',
  filters: exact({
    pipeline: name,
    run: whole,
    only: z.enum(['nodes']).optional().describe('Says the run and its nodes alone'),
  }),
  answer: schemaOf(runs)
    .extend(
      Object.fromEntries(
        sections.map(([section, table]) => {
          const rows = z.array(schemaOf(table))
          const stands = schemaOf(nodes).extend({ state: z.enum([...nodeStates, 'host away']) })
          return [section, section === 'nodes' ? z.array(stands) : rows.optional()]
        }),
      ),
    )
    .extend({
      more: z
        .array(z.string())
        .optional()
        .describe('Sections of which only the first rows are said: the lists have all, that of artifacts is `history`'),
    }),
  list: false,
  scoped: true,
  presence: true,
  read: (db, { pipeline, run: number, only }, { at, logId, present }) => {
    const run = `${pipeline}/${number}`
    const rowsOf = (table: SQLiteTable, where: SQL, order: SQL, limit = -1) =>
      db
        .select()
        .from(table)
        .where(and(visible(table, at), where))
        .orderBy(order)
        .limit(limit)
        .all()
        .map((row) => shown(row, logId))
    const [found] = rowsOf(runs, eq(runs.run, run), desc(runs.since))
    if (!found) throw faults.nothingThere(`run ${number} of ${pipeline}`)
    const wanted = sections.filter(([section]) => only === undefined || section === only)
    const parts = wanted.map(([section, table]): [string, readonly Shown[]] => [
      section,
      rowsOf(table, eq(table.run, run), asc(orderOf(table)), section === 'nodes' ? -1 : most + 1),
    ])
    let room = largest
    const fit = parts.map(([section, rows]): [string, readonly Shown[]] => {
      const some = section === 'nodes' ? rows : fitting(rows.slice(0, most), room)
      room = Math.max(0, room - Buffer.byteLength(JSON.stringify(some)))
      return [section, some]
    })
    const more = parts.flatMap(([section, rows], at) => (rows.length > (fit[at]?.[1].length ?? 0) ? [section] : []))
    const said = Object.fromEntries(fit) as { readonly nodes: readonly Shown[] }
    const known = definitionsIn(db, at)
    const last = lastHosts(db, at)
    const stands = (said.nodes as readonly Placed[]).map((node) => {
      const placed = { ...node, reason: reasonOf(db, node, known, at) }
      const isHosted = found.endedAt === null && !isLost(node.part, known)
      return present && isHosted ? askedOf(placed, present, last.get(node.part)) : placed
    })
    return { ...found, ...said, ...(more.length > 0 && { more }), nodes: sorted(stands, known) }
  },
}

type Placed = Shown &
  Parameters<typeof reasonOf>[1] & { readonly after: readonly string[]; readonly host: string | null }

/** The nodes in the order of the graph. */
const sorted = (found: readonly Placed[], definitions: ReturnType<typeof definitionsIn>): readonly Placed[] => {
  const byPart = new Map(found.map((node) => [node.part, node] as const))
  const before = (part: string): readonly string[] => byPart.get(part)?.after ?? []
  return inOrder(byPart.keys(), before, definitions).flatMap((part) => byPart.get(part) ?? [])
}

const orderOf = (table: (typeof behindRun)[keyof typeof behindRun]) => {
  if (table === nodes) return nodes.part
  return 'sequence' in table ? table.sequence : table.since
}
