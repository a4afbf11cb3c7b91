import { and, count, desc, eq } from 'drizzle-orm'
import { z } from 'zod'
import type { Graph } from '#contracts/pipeline'
import { artifacts } from './artifact-tables.ts'
import { definitionsIn, inOrder } from './in-order.ts'
import { visible } from './listed.ts'
import { hostedBy, type Last } from './presence.ts'
import type { Db } from './reader.ts'
import { nodes, runs } from './run-tables.ts'
import { hosts } from './tracking-tables.ts'
import { shown, type View } from './view.ts'

const node = z.object({
  part: z.string(),
  pipeline: z.string(),
  name: z.string(),
  kind: z.string(),
  state: z.string().describe('How it stands in the last run that has it'),
  reason: z.string().nullable().describe('What it waits for, or why it did not succeed'),
  run: z.string().nullable(),
  attempt: z.int().nullable(),
  host: z.string().nullable().describe('The host that runs it, or that can'),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  description: z.string().optional(),
  watch: z.boolean().optional(),
  path: z.string().optional(),
  of: z.string().optional(),
  fresh: z.int().optional().describe('A store: artifacts that no run has been offered yet'),
})

/** One node of the merged graph, as people see it. */
export type ShownNode = z.output<typeof node>

const answer = z.object({
  nodes: z.array(node),
  edges: z.array(z.object({ source: z.string(), target: z.string(), kind: z.enum(['after', 'stands-for']) })),
})

/** The graph of all pipelines that are known, each node as it stands in the last run that has it. */
export const graphView: View = {
  description: 'The graph of all known pipelines, with the state of each node and what it waits for',
  filters: z.strictObject({}),
  answer,
  list: false,
  presence: true,
  read: (db, _, { at, logId, present }) => {
    const known = definitionsIn(db, at)
    const last = lastHosts(db, at)
    const defined = known.flatMap(({ graph }) =>
      graph.nodes.map((one) => [`${graph.pipeline}/${one.name}`, one] as const),
    )
    const nodesOf = new Map<string, Partial<Graph['nodes'][number]>>(defined)
    const after = defined.flatMap(([part, { after, next }]) => [
      ...after.map((before) => ({ source: before, target: part, kind: 'after' as const })),
      ...next.map((behind) => ({ source: part, target: behind, kind: 'after' as const })),
    ])
    // Somebody names it, and nobody has ever seen it.
    for (const { source, target } of after)
      for (const part of [source, target]) if (!nodesOf.has(part)) nodesOf.set(part, {})
    const clients = defined.flatMap(([part, { of }]) =>
      of ? [{ source: of, target: part, kind: 'stands-for' as const }] : [],
    )
    const unique = new Map([...after, ...clients].map((edge) => [`${edge.source} ${edge.target} ${edge.kind}`, edge]))
    const before = Map.groupBy(after, ({ target }) => target)
    const ordered = inOrder(nodesOf.keys(), (part) => before.get(part)?.map(({ source }) => source) ?? [], known)
    return {
      nodes: ordered.map((part): ShownNode => {
        const { name = '', after: _a, next: _n, kind = 'unknown', ...said } = nodesOf.get(part) ?? {}
        const [pipeline = '', ownName = name] = part.split('/')
        const stands = standing(db, part, kind, said.watch === true, at)
        const { run, attempt, startedAt, endedAt } = shown(stands, logId) as typeof stands & ShownNode
        const { state, reason, fresh, host } = stands
        const lies = fresh === undefined ? {} : { fresh }
        const place = { part, pipeline, name: ownName, kind, state, reason, run, attempt, startedAt, endedAt }
        const able = last.get(part)
        const shownNode = { ...place, host: host ?? (able?.stoppedAt === null ? able.host : null), ...said, ...lies }
        return present ? hostedBy(shownNode, present, able) : shownNode
      }),
      edges: [...unique.values()],
    }
  },
}

type Standing = {
  readonly state: string
  readonly reason: string | null
  readonly run: string | null
  readonly attempt: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly host?: string | null
  readonly fresh?: number
}

const still = { run: null, attempt: null, startedAt: null, endedAt: null }

const standing = (db: Db, part: string, kind: string, watched: boolean, at: number | undefined): Standing => {
  const [last] = db
    .select({ node: nodes, open: runs.state })
    .from(nodes)
    .innerJoin(runs, and(eq(runs.run, nodes.run), visible(runs, at)))
    .where(and(eq(nodes.part, part), visible(nodes, at)))
    .orderBy(desc(nodes.began))
    .limit(1)
    .all()
  const isOpen = last?.open === 'running'
  if (watched) {
    const fresh = freshIn(db, part, at)
    const held = fresh > 0 && isOpen
    const reason = held ? `${fresh} ${fresh === 1 ? 'file waits' : 'files wait'} for run ${last.node.run} to end` : null
    if (!isOpen) return { ...still, state: 'waiting', reason: 'waiting for files', run: last?.node.run ?? null, fresh }
    return { ...last.node, reason, fresh }
  }
  if (last && (kind === 'action' || kind === 'unknown')) return last.node
  if (kind === 'unknown')
    return { ...still, state: 'waiting', reason: `waiting for its pipeline: nobody has defined it yet` }
  if (kind === 'action') return { ...still, state: 'waiting', reason: 'waiting for its first run' }
  const fresh = kind === 'filesystem-store' ? { fresh: freshIn(db, part, at) } : {}
  return { ...still, state: 'succeeded', reason: null, run: last?.node.run ?? null, ...fresh }
}

const freshIn = (db: Db, store: string, at: number | undefined): number =>
  db
    .select({ files: count() })
    .from(artifacts)
    .where(and(eq(artifacts.store, store), eq(artifacts.state, 'fresh'), visible(artifacts, at)))
    .get()?.files ?? 0

/** Which host said last that it runs each part: one that has not stopped, where there is one. */
const lastHosts = (db: Db, at: number | undefined): ReadonlyMap<string, Last> => {
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
