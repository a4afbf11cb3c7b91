import { and, eq, isNull } from 'drizzle-orm'
import { z } from 'zod'
import { room } from '#contracts/disk'
import { partOfSite } from '#contracts/experiment-parts'
import { exact } from '#contracts/fields'
import { preferences } from '#contracts/notification'
import { askerOf, policyIn } from './asker.ts'
import { experimentParts } from './experiment-tables.ts'
import { visible } from './listed.ts'
import { endNodes, people, portal } from './portal-tables.ts'
import { roomAtPart } from './presence.ts'
import type { View } from './view.ts'

/** Who asks, and as whom the portal knows them; somebody it does not know has no roles. */
export const me: View = {
  description: 'Who asks: their name, their roles, their projects, and what they want to be told',
  filters: exact({}),
  answer: z.object({
    name: z.string().nullable(),
    portal: z.boolean().describe('Whether there is a portal in this log at all'),
    roles: z.array(z.enum(['administrator', 'operator', 'member'])),
    projects: z.array(z.string()),
    seen: z.array(z.string()).describe('The projects whose experiments they see'),
    preferences: preferences.nullable(),
  }),
  list: false,
  portal: true,
  read: (db, _, { who }) => {
    const { projects, isOperator, isAdministrator, sees } = askerOf(db, who)
    const policy = policyIn(db)
    const said = db
      .select()
      .from(people)
      .where(and(eq(people.person, who ?? ''), isNull(people.until)))
      .get()
    return {
      name: who ?? null,
      portal: policy !== undefined,
      roles: [
        ...(isAdministrator ? ['administrator'] : []),
        ...(isOperator ? ['operator'] : []),
        ...(projects.length > 0 ? ['member'] : []),
      ],
      projects,
      seen: sees === 'all' ? Object.keys(policy?.projects ?? {}) : projects,
      preferences: said?.preferences ?? null,
    }
  },
}

/** The sites that the portal knows, to whoever it knows. */
export const sites: View = {
  description:
    'Sites with their site servers, how many of their end nodes are free, and how many parts of experiments are there',
  filters: exact({}),
  answer: z.object({
    items: z.array(
      z.object({
        site: z.string(),
        server: z.string(),
        builder: z.enum(['site-server', 'command']),
        present: z.boolean().nullable().describe('Whether its site server is there now; null where nobody can tell'),
        nodes: z.int(),
        free: z.int(),
        occupied: z.int(),
        running: z.int().describe('End nodes on which something runs'),
        disk: room
          .nullable()
          .describe('Of its site server, as it was within the last minute; null where nobody can tell'),
      }),
    ),
  }),
  list: false,
  portal: true,
  presence: true,
  read: (db, _, { who, at, present }) => {
    if (askerOf(db, who).sees === 'nothing') return { items: [] }
    const policy = db.select().from(portal).where(visible(portal, at)).get()?.policy
    const nodes = Map.groupBy(db.select().from(endNodes).where(visible(endNodes, at)).all(), ({ site }) => site)
    const runs = db
      .select({ site: experimentParts.site })
      .from(experimentParts)
      .where(and(eq(experimentParts.step, 'run'), eq(experimentParts.state, 'running'), visible(experimentParts, at)))
      .all()
    const running = Map.groupBy(runs, ({ site }) => site)
    return {
      items: Object.entries(policy?.sites ?? {}).map(([site, { server, builder }]) => {
        const own = nodes.get(site) ?? []
        const free = own.filter(({ state }) => state === 'free').length
        return {
          ...{ site, server, builder },
          present: present ? present.hosts.some(({ host }) => host === server) : null,
          nodes: own.length,
          free,
          occupied: own.length - free,
          running: running.get(site)?.length ?? 0,
          disk: roomAtPart(present, partOfSite(site)),
        }
      }),
    }
  },
}
