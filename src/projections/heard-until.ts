import { and, eq, inArray } from 'drizzle-orm'
import { z } from 'zod'
import { takersOfStep } from '#contracts/experiment-rights'
import { policyIn } from './asker.ts'
import { experimentSteps } from './experiment-record-tables.ts'
import { visible } from './listed.ts'
import type { Db } from './reader.ts'
import type { Seen } from './view.ts'

/** Who is away, and when they were last heard. */
type Away = { readonly who: string; readonly last: number }

/**
 * When the hosts were last heard that take steps of an experiment, or are to take them, and are away now, by the part that they take
 * them for; in milliseconds since 1970. None where all of them are there, where one looks back, and where nobody can tell who is there.
 */
export const heardUntil = (db: Db, experiment: string, { at, present }: Seen): ReadonlyMap<string, Away> => {
  if (!present || at !== undefined) return new Map()
  const there = new Set(present.hosts.map(({ host }) => host))
  const { part, step, agent, host, askedAt, startedAt } = experimentSteps
  const taken = db
    .select({ part, step, agent, host, askedAt, startedAt })
    .from(experimentSteps)
    .where(
      and(
        eq(experimentSteps.experiment, experiment),
        inArray(experimentSteps.outcome, ['running', 'scheduled']),
        visible(experimentSteps, at),
      ),
    )
    .all()
  const policy = taken.some(({ host }) => host === null) ? policyIn(db) : undefined
  return new Map(
    taken.flatMap(({ host, askedAt, startedAt, ...one }) => {
      const takers = host === null ? policy && takersOfStep(policy, one) : [host]
      if (!takers || takers.length === 0 || takers.some((taker) => there.has(taker))) return []
      // Who looks may have come later: a step that has begun was heard of then, and before it was asked for nobody was to be heard.
      const last = Math.max(startedAt ?? askedAt, ...takers.map((taker) => present.seenAt(taker) ?? 0))
      return [[one.part, { who: takers.join(' or '), last }]] as const
    }),
  )
}

/** How it is told of a part, or of a whole experiment. */
export const heardUntilShape = z
  .string()
  .nullable()
  .describe(
    'When the host that takes a step was last heard, where it is away; null where it is there, or nobody can tell',
  )

/** The earliest of them as people see it; null where there are none. */
export const earliest = (heard: Iterable<Away>): string | null => {
  const all = [...heard].map(({ last }) => last)
  return all.length > 0 ? new Date(Math.min(...all)).toISOString() : null
}
