import { z } from 'zod'
import { exact } from '#contracts/fields'
import { type Graph, retry } from '#contracts/pipeline'
import { idleIn } from './idle.ts'
import { definitionsIn, inOrder } from './in-order.ts'
import { lastHosts } from './last-hosts.ts'
import { hostedBy, hostLast } from './presence.ts'
import { standing } from './standing.ts'
import { shown, type View } from './view.ts'
import { reasonOf } from './waiting.ts'

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
  dueAt: z.string().nullable().describe('When it is tried again'),
  description: z.string().optional(),
  watch: z.boolean().optional(),
  path: z.string().optional(),
  of: z.string().optional(),
  condition: z.boolean().optional(),
  join: z.enum(['all', 'any']).optional(),
  retry: retry.optional(),
  timeout: z.int().optional().describe('How long one execution may take, in milliseconds'),
  concurrency: z.int().optional().describe('How many executions there may be at once'),
  fresh: z.int().optional().describe('A store: artifacts that no run has been offered yet'),
})

/** One node of the merged graph, as people see it. */
export type ShownNode = z.output<typeof node>

const answer = z.object({
  nodes: z.array(node),
  edges: z.array(z.object({ source: z.string(), target: z.string(), kind: z.enum(['after', 'stands-for']) })),
  idle: z
    .array(z.object({ pipeline: z.string(), since: z.string() }))
    .describe('Pipelines that no host has run for a week, and that no run waits for'),
})

/** How a node stands that is executed and whose last run goes on. */
const goesOn = ['waiting', 'paused', 'queued', 'preparing', 'running', 'cleaning-up']

/** The graph of all pipelines that are known, each node as it stands in the last run that has it. */
export const graphView: View = {
  description: 'The graph of all known pipelines, with the state of each node and what it waits for',
  filters: exact({}),
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
    const asked = new Set<string>()
    const nodes = ordered.map((part): ShownNode => {
      const { name = '', after: _a, next: _n, kind = 'unknown', ...said } = nodesOf.get(part) ?? {}
      const [pipeline = '', ownName = name] = part.split('/')
      const stands = standing(db, part, nodesOf.get(part) ?? {}, at)
      const { run, attempt, startedAt, endedAt, dueAt } = shown(stands, logId) as typeof stands & ShownNode
      const { state, fresh, host } = stands
      if (run !== null && (kind === 'action' || kind === 'unknown') && goesOn.includes(state)) asked.add(part)
      const reason = reasonOf(db, { ...stands, part, kind }, known, at)
      const lies = fresh === undefined ? {} : { fresh }
      const place = { part, pipeline, name: ownName, kind, state, reason, run, attempt, startedAt, endedAt, dueAt }
      const able = last.get(part)
      const shownNode = { ...place, host: host ?? hostLast(able), ...said, ...lies }
      return present ? hostedBy(shownNode, present, able) : shownNode
    })
    const shownNodes = nodes.map((node) => ({ ...node, isAsked: asked.has(node.part) }))
    return {
      nodes,
      edges: [...unique.values()],
      idle: present ? idleIn(known, shownNodes, last, present) : [],
    }
  },
}
