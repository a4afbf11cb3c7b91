import { and, count, desc, eq, isNotNull } from 'drizzle-orm'
import { splitPart } from '#contracts/names'
import { type GraphNode, keepsFiles } from '#contracts/pipeline'
import { artifacts, sources } from './artifact-tables.ts'
import { visible } from './listed.ts'
import { pauses, requests, waits } from './pipeline-tables.ts'
import type { Db } from './reader.ts'
import { nodes, runs } from './run-tables.ts'

/** How a node stands outside of any run: in the last one that has it, or by what it waits for. */
export type Standing = {
  readonly state: string
  readonly reason: string | null
  readonly run: string | null
  readonly attempt: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly dueAt: number | null
  readonly host?: string | null
  readonly fresh?: number
}

const still = { run: null, attempt: null, startedAt: null, endedAt: null, dueAt: null }

/** The last run that has a node, and how the node stands in it. */
const lastOf = (db: Db, part: string, at: number | undefined) =>
  db
    .select({ node: nodes, endedAt: runs.endedAt })
    .from(nodes)
    .innerJoin(runs, and(eq(runs.run, nodes.run), visible(runs, at)))
    .where(and(eq(nodes.part, part), visible(nodes, at)))
    .orderBy(desc(nodes.began))
    .limit(1)
    .get()

/** How a node of the graph stands now, or at a position. */
export const standing = (db: Db, part: string, one: Partial<GraphNode>, at: number | undefined): Standing => {
  const { kind = 'unknown', watch = false, condition = false } = one
  const last = lastOf(db, part, at)
  if (last && (kind === 'action' || kind === 'unknown')) return last.node
  if (kind === 'unknown')
    return { ...still, state: 'waiting', reason: `waiting for its pipeline: nobody has defined it yet` }
  if (kind === 'action') return { ...still, state: 'waiting', reason: 'waiting for its first run' }
  const run = last?.node.run ?? null
  const lies = keepsFiles(kind) ? { fresh: freshIn(db, part, at) } : {}
  const { fresh = 0 } = lies
  const waits = failingWhy(db, part, at) ?? waitOf(db, part, at)
  if (!watch && !condition) return { ...still, state: 'succeeded', reason: waits, run, ...lies }
  const isOpen = last !== undefined && last.endedAt === null
  const held = pausedWhy(db, splitPart(part).pipeline, at)
  if (held !== undefined) return { ...still, state: 'paused', reason: held, run, ...lies }
  const count = `${fresh} ${fresh === 1 ? 'file waits' : 'files wait'}`
  if (!isOpen) {
    const fired = watch ? 0 : firedIn(db, splitPart(part).pipeline, at)
    const ready = watch ? fresh > 0 && count : fired > 0 && `${fired} ${fired === 1 ? 'firing waits' : 'firings wait'}`
    const others = 'every other node that starts runs has something for one'
    const wanted = ready ? `${ready} until ${others}` : `waiting for ${watch ? 'files' : 'a metric'}`
    return { ...still, state: 'waiting', reason: waits ?? wanted, run, ...lies }
  }
  return { ...last.node, reason: waits ?? (fresh > 0 ? `${count} for run ${run} to end` : null), ...lies }
}

/** Why nothing can be seen of what a store mirrors, or of its folder; undefined where it can. */
const failingWhy = (db: Db, store: string, at: number | undefined): string | undefined =>
  db
    .select({ reason: sources.reason })
    .from(sources)
    .where(and(eq(sources.store, store), visible(sources, at)))
    .all()
    .find(({ reason }) => reason !== null)?.reason ?? undefined

/** Why what has arrived at a node is not enough for a run. */
const waitOf = (db: Db, part: string, at: number | undefined): string | null =>
  db
    .select({ reason: waits.reason })
    .from(waits)
    .where(and(eq(waits.part, part), visible(waits, at)))
    .all()
    .find(({ reason }) => reason !== null)?.reason ?? null

/** Why a pipeline is held back; undefined where it is not. */
const pausedWhy = (db: Db, pipeline: string, at: number | undefined): string | undefined => {
  const found = db
    .select()
    .from(pauses)
    .where(and(eq(pauses.pipeline, pipeline), eq(pauses.state, 'paused'), visible(pauses, at)))
    .get()
  return found && `${pipeline} is paused: ${found.reason}`
}

const freshIn = (db: Db, store: string, at: number | undefined): number =>
  db
    .select({ files: count() })
    .from(artifacts)
    .where(and(eq(artifacts.store, store), eq(artifacts.state, 'fresh'), visible(artifacts, at)))
    .get()?.files ?? 0

/** How many runs a pipeline's metric has asked for that have not begun. */
const firedIn = (db: Db, pipeline: string, at: number | undefined): number =>
  db
    .select({ firings: count() })
    .from(requests)
    .where(
      and(
        eq(requests.pipeline, pipeline),
        eq(requests.state, 'queued'),
        isNotNull(requests.metric),
        visible(requests, at),
      ),
    )
    .get()?.firings ?? 0
