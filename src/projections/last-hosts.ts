import { desc } from 'drizzle-orm'
import { visible } from './listed.ts'
import type { Last } from './presence.ts'
import type { Db } from './reader.ts'
import { hosts } from './tracking-tables.ts'

/** Which host said last that it runs each part: one that has not stopped, where there is one. */
export const lastHosts = (db: Db, at: number | undefined): ReadonlyMap<string, Last> => {
  const found = db
    .select({ host: hosts.host, nodes: hosts.nodes, state: hosts.state, endedAt: hosts.endedAt })
    .from(hosts)
    .where(visible(hosts, at))
    .orderBy(desc(hosts.state), hosts.since) // Those that have stopped come first.
    .all()
  return new Map(
    found.flatMap(({ host, nodes: parts, state, endedAt }) =>
      parts.map((part) => [part, { host, stoppedAt: state === 'stopped' ? endedAt : null }] as const),
    ),
  )
}
