import { and, desc, eq, inArray, lte } from 'drizzle-orm'
import { type Asker, maySee } from '#contracts/asker'
import type { Wait } from '#contracts/experiment-waits'
import { visible } from './listed.ts'
import { times } from './log-tables.ts'
import { endNodes, reservations } from './portal-tables.ts'
import type { Db } from './reader.ts'
import type { Seen, Shown } from './view.ts'

type Needs = NonNullable<Wait['needs']>

/**
 * What waits, with its command as it can be sent: where end nodes are to be chosen, with those that are free and of the right kind,
 * those that are kept free for the project first. Where there are too few, `unmet` says so, and there is no command.
 */
export const propose = (row: Shown, asker: Asker, { db, at }: Seen & { readonly db: Db }): Shown => {
  const { needs, ...shown } = row as Shown & { readonly needs: Needs | null }
  if (!needs) return { ...shown, needs, unmet: null }
  const chosen = needs.sites.map((site) => ({ site, ...freeAt(db, site, needs, String(row.project), at) }))
  const short = chosen.filter(({ nodes }) => nodes.length < needs.count)
  if (short.length === 0) {
    const nodes = chosen.flatMap((one) => one.nodes.slice(0, needs.count))
    return { ...shown, needs, command: { type: 'experiment.move-to-testbed', data: { nodes } }, unmet: null }
  }
  const kind = [`a ${needs.nodeType}`, ...needs.capabilities].join(' with ')
  const said = short.map(({ site, nodes, kept }) => {
    const others = kept.map(({ part, project, endsAt }) => {
      const whom = maySee(asker, project) ? project : 'another project'
      return `${part} is reserved for ${whom} until ${minuteOf(endsAt)}`
    })
    return [`${site} has ${nodes.length} free end nodes that are ${kind}`, ...others].join(', ')
  })
  return { ...shown, needs, command: null, unmet: `${said.join('; ')}; ${needs.count} are needed at each site` }
}

/** Which end nodes of a site may be given to a project that needs them now, and for whom others are kept free. */
const freeAt = (
  db: Db,
  site: string,
  { nodeType, capabilities, hours }: Needs,
  project: string,
  at: number | undefined,
) => {
  const free = db
    .select()
    .from(endNodes)
    .where(and(eq(endNodes.site, site), visible(endNodes, at)))
    .all()
    .filter(({ state, type }) => state === 'free' && type === nodeType)
    .filter((node) => capabilities.every((one) => node.capabilities.includes(one)))
    .map(({ part }) => part)
    .toSorted()
  const from = at === undefined ? Date.now() : timeAt(db, at)
  const kept = db
    .select()
    .from(reservations)
    .where(and(inArray(reservations.part, free), visible(reservations, at)))
    .all()
    .filter(({ startsAt, endsAt }) => startsAt < from + hours * 3_600_000 && endsAt > from)
  const keptFor = (part: string, own: boolean) =>
    kept.some((one) => one.part === part && (one.project === project) === own)
  const usable = free.filter((part) => !keptFor(part, false))
  return {
    nodes: [...usable.filter((part) => keptFor(part, true)), ...usable.filter((part) => !keptFor(part, true))],
    /** What is free but for these, by when that ends. */
    kept: kept.filter((one) => one.project !== project).toSorted((one, other) => one.endsAt - other.endsAt),
  }
}

const minuteOf = (moment: number): string => `${new Date(moment).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** When it was at a place in the log. */
const timeAt = (db: Db, at: number): number =>
  db
    .select({ time: times.time })
    .from(times)
    .where(lte(times.sequence, at))
    .orderBy(desc(times.sequence))
    .limit(1)
    .get()?.time ?? 0
