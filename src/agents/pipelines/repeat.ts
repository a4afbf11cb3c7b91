import type { Bus } from '#bus/bus'
import { everyItem } from '#bus/pages'
import { knownIn } from '#contracts/all'
import { splitPart } from '#contracts/names'
import type { Graph, Offer, RunNode } from '#contracts/pipeline'
import type { Repetition } from '#contracts/repetition'
import type { RunEvent } from '#contracts/run'
import { queryOf, serviceOf } from '#contracts/subjects'
import { extentOf } from './graph.ts'
import { evolve, initial, type Run } from './run-state.ts'

/** What becomes of a node in a run that repeats another. */
export type Repeated = RunNode & { readonly reason: string }

/** A run that repeats another, or why there can be none. */
export type Repeat =
  | { readonly possible: true; readonly nodes: readonly Repeated[]; readonly offers: readonly Offer[] }
  | { readonly possible: false; readonly reason: string }

type Given = { readonly bus: Bus; readonly pipeline: string; readonly graphs: ReadonlyMap<string, Graph> }

/**
 * Works out what a repeated run executes again. A node is reused where it succeeded, lies neither among the nodes that the
 * run starts from nor behind one of them, stands behind the same nodes as then, and all that it gave still lies where it
 * lay, by its hash. Rejects while what has to be asked for that is away.
 */
export const repeatOf = async (
  { bus, pipeline, graphs }: Given,
  { run: number, from, definition }: Repetition,
): Promise<Repeat> => {
  const { events } = await bus.read({ aggregate: 'run', scope: pipeline, key: String(number) })
  const told = events.flatMap((recorded) => knownIn<RunEvent>(recorded) ?? [])
  const [planned] = told
  if (planned?.type !== 'run.planned') return { possible: false, reason: `${pipeline} has no run ${number}` }
  const run = told.reduce(evolve, initial)
  if (run.status === 'open') return { possible: false, reason: `Run ${number} is under way: cancel it first` }

  const before = new Map(planned.data.nodes.map((node) => [node.part, node]))
  const present = extentOf(pipeline, graphs)
  const nodes = definition === 'present' ? present : planned.data.nodes.map(({ reused: _, ...node }) => node)
  const missing = definition === 'old' ? nodes.filter(({ part }) => !present.some((one) => one.part === part)) : []
  if (missing.length > 0) {
    const gone = missing.map(({ part }) => part).join(', ')
    return { possible: false, reason: `${gone}: not there any longer. Repeat the run with the present definition` }
  }
  const unknown = typeof from === 'string' ? [] : from.filter((part) => !nodes.some((one) => one.part === part))
  if (unknown.length > 0) return { possible: false, reason: `${unknown.join(', ')}: no node of the run is called so` }
  const start = startOf(run, nodes, from)
  const reused = new Map<string, Repeated>()
  const decide = async (node: RunNode): Promise<Repeated> => {
    if (node.kind !== 'action') return { ...node, reason: 'a store is always ready' }
    const reason = await reasonAgainst(node)
    const earlier = before.get(node.part)?.reused ?? number
    return reason === undefined ? { ...node, reused: earlier, reason: `as in run ${earlier}` } : { ...node, reason }
  }
  const reasonAgainst = async ({ part, after }: RunNode): Promise<string | undefined> => {
    const old = before.get(part)
    if (start.has(part)) return from === 'start' ? 'all of the run is repeated' : 'the run starts from it'
    const begins = typeof from === 'string' ? undefined : after.find((one) => start.has(one))
    if (begins) return `the run starts from ${begins}`
    const changed = after.find((one) => reused.get(one)?.kind === 'action' && reused.get(one)?.reused === undefined)
    if (changed) return `${changed} is executed again`
    if (!old) return 'the run did not have it'
    if (run.nodes[part]?.state !== 'succeeded') return `it was ${run.nodes[part]?.state}`
    if (String(old.after) !== String(after)) return 'it stands behind other nodes now'
    const asked = { run: `${pipeline}/${old.reused ?? number}`, node: part, after: events.at(-1)?.position }
    return outputsChanged(bus, pipeline, part, asked)
  }
  for (const node of inOrder(nodes)) reused.set(node.part, await decide(node))
  const isNothing = [...reused.values()].every((node) => node.kind !== 'action' || node.reused !== undefined)
  if (isNothing)
    return { possible: false, reason: `Nothing of run ${number} would be executed again: say from which node on` }
  return { possible: true, nodes: nodes.map((node) => reused.get(node.part) as Repeated), offers: planned.data.offers }
}

/** The nodes that are executed again in any case. */
const startOf = (run: Run, nodes: readonly RunNode[], from: Repetition['from']): ReadonlySet<string> => {
  if (from === 'start') return new Set(nodes.map(({ part }) => part))
  if (from === 'failed') return new Set(Object.keys(run.nodes).filter((part) => run.nodes[part]?.state !== 'succeeded'))
  return new Set(from)
}

/** Nodes before those behind them. */
const inOrder = (nodes: readonly RunNode[]): readonly RunNode[] => {
  const byPart = new Map(nodes.map((node) => [node.part, node]))
  const ordered = new Set<RunNode>()
  const visit = (node: RunNode): void => {
    if (ordered.has(node)) return
    for (const before of node.after) {
      const found = byPart.get(before)
      if (found) visit(found)
    }
    ordered.add(node)
  }
  nodes.forEach(visit)
  return [...ordered]
}

type Output = {
  readonly store: string
  readonly path: string
  readonly digest: string
  readonly what: string
  readonly part: string | null
}

/** How many paths a store is asked for at once. */
const lookedAtOnce = 500

/** Why what a node gave in a run can't be reused; undefined where all of it lies where it lay, the same by its hash. */
const outputsChanged = async (bus: Bus, pipeline: string, about: Output['part'], asked: object) => {
  const history = queryOf('history', pipeline, bus.principal)
  const all = (await everyItem((page) => bus.request(history, { ...asked, ...page }))) as readonly Output[]
  const given = all.filter(({ what, part }) => part === about && (what === 'produced' || what === 'uploaded'))
  const newest = new Map<string, Map<string, string>>()
  for (const { store, path, digest } of given) newest.set(store, (newest.get(store) ?? new Map()).set(path, digest))
  for (const [store, digests] of newest) {
    const { pipeline: scope, node } = splitPart(store)
    const paths = [...digests.keys()]
    for (let at = 0; at < paths.length; at += lookedAtOnce) {
      const some = paths.slice(at, at + lookedAtOnce)
      const { found } = (await bus.request(serviceOf(scope, node, 'look', bus.principal), { paths: some })) as {
        readonly found: readonly (string | null)[]
      }
      const changed = some.findIndex((path, index) => found[index] !== digests.get(path))
      if (changed >= 0)
        return `${some[changed]} of ${store} ${found[changed] === null ? 'is gone' : 'holds other bytes now'}`
    }
  }
  return undefined
}
