import { and, eq, ne } from 'drizzle-orm'
import { splitPart } from '#contracts/names'
import { tookTooLong } from '#contracts/run'
import type { definitionsIn } from './in-order.ts'
import { visible } from './listed.ts'
import type { Db } from './reader.ts'
import { attempts } from './run-tables.ts'

type Node = {
  readonly part: string
  readonly run: string | null
  readonly kind: string
  readonly state: string
  readonly reason: string | null
  readonly attempt: number | null
}

/** Whether a pipeline's definition has lost a node: no host would run it, whoever is there. */
export const isLost = (part: string, definitions: ReturnType<typeof definitionsIn>): boolean => {
  const { pipeline, node } = splitPart(part)
  const defined = definitions.find(({ graph }) => graph.pipeline === pipeline)
  return defined !== undefined && !defined.graph.nodes.some(({ name }) => name === node)
}

/** What a node that is to be executed waits for, where its run can't know: other runs, its own end, or a definition that has lost it. */
export const reasonOf = (
  db: Db,
  { part, run, kind, state, reason, attempt }: Node,
  definitions: ReturnType<typeof definitionsIn>,
  at: number | undefined,
): string | null => {
  if (kind !== 'action' || (state !== 'queued' && state !== 'waiting')) return reason
  if (isLost(part, definitions))
    return `${splitPart(part).pipeline} defines it no longer, so nobody executes it: cancel the run, or repeat it with the present definition`
  if (state !== 'queued' || reason !== null || run === null) return reason
  const holders = db
    .selectDistinct({ run: attempts.run })
    .from(attempts)
    .where(and(eq(attempts.part, part), eq(attempts.outcome, 'running'), ne(attempts.run, run), visible(attempts, at)))
    .limit(3)
    .all()
  if (holders.length > 0) return `its slot is held by run ${holders.map((one) => one.run).join(', ')}`
  if (attempt === null || attempt < 2) return reason
  // What took too long has failed as soon as it is told to stop, and may take a while to.
  const before = and(eq(attempts.run, run), eq(attempts.part, part), eq(attempts.attempt, attempt - 1))
  const ended = db
    .select({ reason: attempts.reason })
    .from(attempts)
    .where(and(before, visible(attempts, at)))
    .all()
  const isSlow = ended.some((one) => one.reason?.startsWith(tookTooLong))
  return isSlow ? `it begins once attempt ${attempt - 1} has stopped, or nobody holds it any longer` : reason
}
