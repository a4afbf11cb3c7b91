import { and, eq } from 'drizzle-orm'
import { z } from 'zod'
import { experimentSteps } from './experiment-record-tables.ts'
import { visible } from './listed.ts'
import type { Db } from './reader.ts'
import type { Seen } from './view.ts'

/**
 * When the hosts were last heard that take steps of an experiment and are away now, by the part that they take them for; in
 * milliseconds since 1970. None where all of them are there, where one looks back, and where nobody can tell who is there.
 */
export const heardUntil = (db: Db, experiment: string, { at, present }: Seen): ReadonlyMap<string, number> => {
  if (!present || at !== undefined) return new Map()
  const there = new Set(present.hosts.map(({ host }) => host))
  const { part, host, startedAt } = experimentSteps
  const taken = db
    .select({ part, host, startedAt })
    .from(experimentSteps)
    .where(
      and(
        eq(experimentSteps.experiment, experiment),
        eq(experimentSteps.outcome, 'running'),
        visible(experimentSteps, at),
      ),
    )
    .all()
  return new Map(
    taken.flatMap(({ part, host, startedAt }) => {
      if (host === null || there.has(host)) return []
      // Who looks may have come later: a step that has begun was heard of then.
      const last = Math.max(present.seenAt(host) ?? 0, startedAt ?? 0)
      return [[part, last]] as const
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
export const earliest = (heard: Iterable<number>): string | null => {
  const all = [...heard]
  return all.length > 0 ? new Date(Math.min(...all)).toISOString() : null
}
