import { and, eq, ne } from 'drizzle-orm'
import { splitPart } from '#contracts/names'
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
}

/** Whether a pipeline's definition has lost a node: no host would run it, whoever is there. */
export const isLost = (part: string, definitions: ReturnType<typeof definitionsIn>): boolean => {
  const { pipeline, node } = splitPart(part)
  const defined = definitions.find(({ graph }) => graph.pipeline === pipeline)
  return defined !== undefined && !defined.graph.nodes.some(({ name }) => name === node)
}

/** What a node that is to be executed waits for, where its run can't know: other runs, or a definition that has lost it. */
export const reasonOf = (
  db: Db,
  { part, run, kind, state, reason }: Node,
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
  return holders.length > 0 ? `its slot is held by run ${holders.map((one) => one.run).join(', ')}` : reason
}
