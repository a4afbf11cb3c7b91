import type { Bus } from '#bus/bus'
import { Fault, reasonOf } from '#bus/fault'
import { passesSoon } from '#bus/patience'
import type { Cause } from '#contracts/envelope'
import type { Graph, PipelineCommand } from '#contracts/pipeline'
import { messageOf, type Offerable, type openArrivals } from './arrivals.ts'
import type { Verdict } from './conditions.ts'
import { digestOf, extentOf, unrunnable, watchedIn } from './graph.ts'
import type { Pipeline, Request } from './pipeline-state.ts'
import { repeatOf } from './repeat.ts'

type Plan = Extract<PipelineCommand, { type: 'pipeline.plan' }>['data']

/** What a pipeline does next: plans a run, drops a request that can lead to none, or nothing, for these reasons. */
type Next =
  | { readonly kind: 'plan'; readonly plan: Plan; readonly cause: Cause | undefined }
  | { readonly kind: 'drop'; readonly request: string; readonly reason: string }
  | {
      readonly kind: 'none'
      readonly reasons: Readonly<Record<string, string>>
      /** Where the reason is that a condition is wrong. */
      readonly mistaken?: ReadonlySet<string>
      readonly again: boolean
    }

type Given = {
  readonly bus: Bus
  readonly pipeline: string
  readonly graphs: ReadonlyMap<string, Graph>
  readonly arrivals: ReturnType<typeof openArrivals>
  readonly condition: (offerable: Offerable) => Promise<Verdict>
  readonly byMetrics: boolean
  /** The event of each request, once it has been heard. */
  readonly requested: ReadonlyMap<string, Cause>
}

/**
 * Says which run is the next one. What was asked for comes first, the oldest first; a run that a metric asked for waits for
 * the files that its pipeline needs as well, and one that waits lets those behind it pass.
 */
export const nextRun = async (given: Given, self: Pipeline): Promise<Next> => {
  const { pipeline, graphs, arrivals, condition, byMetrics, requested } = given
  const nodes = extentOf(pipeline, graphs)
  const offers = watchedIn(pipeline, graphs).map((resource) => arrivals.since(resource, self.offered[resource]))
  const wanted = self.requests
  const reasons: Record<string, string> = {}
  const some = offers.some(({ fresh }) => fresh.length > 0)
  const isOnItsWay = !wanted.every(({ request }) => requested.has(request)) // Its event, which looks again.
  if (isOnItsWay || (wanted.length === 0 && !some)) return { kind: 'none', reasons, again: false }
  const unfit = unrunnable(nodes)
  if (unfit) return { kind: 'none', reasons: { [unfit.at]: `no run can begin: ${unfit.reason}` }, again: false }
  const deadline = graphs.get(pipeline)?.deadline ?? usualDeadline
  const planned = (trigger: Plan['trigger'], cause: Cause | undefined): Next => ({
    kind: 'plan',
    plan: { trigger, offers: offers.map(({ offer }) => offer), graph: digestOf(nodes), nodes, deadline },
    cause,
  })

  let judged: Promise<Judgement> | undefined
  /** What the conditions come to, asked once, and only where it matters: other hosts are asked as well. */
  const files = () => {
    judged ??= judge(offers, condition)
    return judged
  }

  for (const { request, message, metric, rerun } of wanted) {
    const cause = requested.get(request)
    if (rerun) {
      const repeated = await repeat(given, { request, message, rerun }, deadline)
      if (repeated.kind === 'none') Object.assign(reasons, repeated.reasons)
      else return repeated.kind === 'plan' ? { ...repeated, cause } : repeated
    } else if (!metric) return planned({ kind: 'request', message, request }, cause)
    else if ((await files()).hold) {
      const said = [message, (await files()).message].filter(Boolean).join('; ')
      return planned({ kind: 'metric', message: said, request, metric }, cause)
    }
  }
  const { hold, message, reasons: missing, mistaken } = await files()
  if (hold && offers.length > 0 && !byMetrics) {
    const newest = offers.map(({ cause }) => cause).findLast((cause) => cause !== undefined)
    return planned({ kind: 'files', message }, newest)
  }
  // What a condition says may change with the clock, and a host that was away may be back: neither is an event.
  const again = some || wanted.some(({ rerun }) => rerun !== undefined)
  return { kind: 'none', reasons: { ...missing, ...reasons }, mistaken, again }
}

/** What the conditions of all stores come to: whether they hold, with the message of a run, or with what is missing where. */
type Judgement = {
  readonly hold: boolean
  readonly message: string
  readonly reasons: Readonly<Record<string, string>>
  readonly mistaken: ReadonlySet<string>
}

const judge = async (offers: readonly Offerable[], condition: Given['condition']): Promise<Judgement> => {
  const verdicts = await Promise.all(offers.map(condition))
  const messages = verdicts.flatMap((verdict) => (verdict.holds ? (verdict.message ?? []) : []))
  const missing = verdicts.flatMap((verdict, at) => {
    const { resource } = offers[at]?.offer ?? {}
    if (!resource || verdict.holds || verdict.reason === undefined) return []
    return [{ resource, reason: verdict.reason, mistaken: verdict.mistaken }]
  })
  return {
    hold: verdicts.every(({ holds }) => holds),
    message: messages.length > 0 ? messages.join('; ') : messageOf(offers),
    reasons: Object.fromEntries(missing.map(({ resource, reason }) => [resource, reason])),
    mistaken: new Set(missing.filter(({ mistaken }) => mistaken).map(({ resource }) => resource)),
  }
}

/** How long a run may take whose pipeline says nothing of it: seven days, in milliseconds. */
const usualDeadline = 7 * 86_400_000

const repeat = async (
  { bus, pipeline, graphs }: Given,
  { request, message, rerun }: Request & { readonly rerun: NonNullable<Request['rerun']> },
  deadline: number,
): Promise<Next> => {
  try {
    const found = await repeatOf({ bus, pipeline, graphs }, rerun)
    if (!found.possible) return { kind: 'drop', request, reason: found.reason }
    const nodes = found.nodes.map(({ reason: _, ...node }) => node)
    const unfit = unrunnable(nodes)
    if (unfit) return { kind: 'drop', request, reason: `no run can begin: ${unfit.reason}` }
    const trigger = { kind: 'rerun' as const, message, request, rerun }
    const graph = digestOf(nodes.map(({ reused: _, ...node }) => node))
    return { kind: 'plan', plan: { trigger, offers: [...found.offers], graph, nodes, deadline }, cause: undefined }
  } catch (cause) {
    const isAway = cause instanceof Fault && cause.code === 'store.away'
    if (!passesSoon(cause) && !isAway) return { kind: 'drop', request, reason: reasonOf(cause) }
    return {
      kind: 'none',
      reasons: { [`${pipeline}/${metadataIn(graphs.get(pipeline))}`]: `${message}: ${reasonOf(cause)}` },
      again: true,
    }
  }
}

const metadataIn = (graph: Graph | undefined): string =>
  graph?.nodes.find(({ kind }) => kind === 'metadata-store')?.name ?? 'self'
