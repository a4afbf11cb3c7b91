import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import type { Owner } from '#bus/handle'
import { patiently } from '#bus/patience'
import { knownIn } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Cause, Recorded } from '#contracts/envelope'
import { sequenceOf, splitPart } from '#contracts/names'
import type { Graph, PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import { historiesOf, historyOf } from '#contracts/subjects'
import { openArrivals } from './arrivals.ts'
import { conditionOf, levelOf } from './conditions.ts'
import { watchedIn } from './graph.ts'
import type { Say } from './messages.ts'
import { nextRun } from './next-run.ts'
import { openPace } from './pace.ts'
import { initial, type Pipeline } from './pipeline-state.ts'
import type { Run } from './run-state.ts'
import type { Trigger } from './shape.ts'
import { openTending } from './tend.ts'

type Planner = {
  readonly bus: Bus
  readonly owner: Owner<Pipeline>
  readonly runs: Owner<Run>
  readonly pipeline: string
  /** What pipelines look like, filled as they are defined. */
  readonly graphs: Map<string, Graph>
  /** Conditions of the stores that this host runs. */
  readonly triggers: ReadonlyMap<string, Trigger>
  /** Whether a run needs a metric that met a condition, unless somebody asks for it. */
  readonly byMetrics?: boolean
  readonly say: Say
  readonly signal: AbortSignal
}

/** After how long it is looked again at what waits for no event, in milliseconds. */
const lookAgainAfter = 2_000

/**
 * Plans a pipeline's runs: listens to what arrives, to definitions and to runs that end, and asks for the next run when a
 * slot is free and every condition holds. It looks at the state, not at the step: told twice or late, it does the same.
 * It plans nothing before it has heard every definition that there is.
 */
export const plan = async (planner: Planner): Promise<void> => {
  const { bus, owner, runs, pipeline, graphs, triggers, byMetrics = false, say, signal } = planner
  const address = { aggregate: 'pipeline', scope: pipeline, key: 'self' }
  const arrivals = openArrivals(bus.logId)
  const requested = new Map<string, Cause>()
  const tending = openTending({ bus, runs, pipeline, graphs })
  const hasCondition = (resource: string): boolean => {
    const { pipeline: of, node } = splitPart(resource)
    return graphs.get(of)?.nodes.some(({ name, condition }) => name === node && condition === true) ?? false
  }
  const condition = conditionOf({ bus, triggers, hasCondition })
  let self = initial
  let isDefined = false
  const explaining = openPace({ after: 300, every: 1_000 })

  /** Refusals mean that somebody was faster, or that nothing is due after all. */
  const ask = async (type: string, data: object, causedBy?: Cause): Promise<boolean> => {
    const answer = await owner.handle(address, commandFrom({ address, type, data, causedBy }, bus.principal))
    self = (await owner.current(address)).state
    return answer.accepted
  }

  /** Records why no run is planned, once for as long as it is so. */
  const explain = async (reasons: Readonly<Record<string, string>>, mistaken?: ReadonlySet<string>) => {
    const news = Object.keys({ ...reasons, ...self.waits }).filter((part) => reasons[part] !== self.waits[part])
    if (news.length === 0) return explaining.same()
    const left = explaining.other()
    if (left > 0) return lookAgain(left)
    for (const part of news)
      if (reasons[part] !== undefined) say(`${part} waits: ${reasons[part]}`, levelOf(mistaken?.has(part)))
    await ask('pipeline.explain', { reasons })
  }

  const drop = async ({ request, reason }: { readonly request: string; readonly reason: string }) => {
    const went = await ask('pipeline.drop', { request, reason }, requested.get(request))
    say(`${pipeline} drops a request: ${reason}`)
    return went
  }

  const evaluate = async (): Promise<void> => {
    for (const { run, outcome, cause } of tending.ended(self)) await ask('pipeline.release', { run, outcome }, cause)
    await tending.tell(self)
    const mayPlan = () => self.paused === undefined && self.open.length < self.slots
    while (self.version > 0 && mayPlan()) {
      const next = await nextRun({ bus, pipeline, graphs, arrivals, condition, byMetrics, requested }, self)
      if (next.kind === 'none') {
        await explain(next.reasons, next.mistaken)
        if (next.again) lookAgain(lookAgainAfter)
        return
      }
      explaining.same()
      const went = next.kind === 'drop' ? await drop(next) : await ask('pipeline.plan', next.plan, next.cause)
      arrivals.forget(self.offered)
      if (!went) return
    }
    await explain({}) // Held back, it waits for that, whatever it missed before.
  }

  const apply = (recorded: Recorded): void => {
    const event = knownIn<PipelineEvent | RunEvent | ArtifactEvent>(recorded)
    if (!event) return
    const isOurs = event.address.scope === pipeline
    switch (event.type) {
      case 'pipeline.defined':
        graphs.set(event.data.graph.pipeline, event.data.graph)
        return
      case 'pipeline.run-requested':
        if (isOurs) requested.set(event.data.request, event)
        return
      case 'pipeline.request-dropped':
        requested.delete(event.data.request)
        return
      case 'pipeline.run-planned':
        if (isOurs) requested.delete(event.data.trigger.request ?? '')
        return
      case 'artifact.detected':
      case 'artifact.gone':
        arrivals.take(event)
        return
      default:
        if (isOurs) tending.hear(event as Recorded & RunEvent)
    }
  }

  const look = async () => {
    self = (await owner.current(address)).state
    if (isDefined) await evaluate()
  }
  let turn = Promise.resolve()
  const handle = ({ events }: { readonly events: readonly Recorded[] }, isLastDefinition = false): Promise<void> => {
    turn = turn.then(async () => {
      for (const event of events) apply(event)
      isDefined ||= isLastDefinition // Not before: a turn that waits would plan without what this one brings.
      await patiently(look, signal, (reason) => say(`${pipeline} plans no run for now: ${reason}`))
    })
    return turn
  }

  /** Follows one subject each, so that a resource that joins late is read from its own beginning. */
  const followed = new Set<string>()
  const { promise: broken, reject: fail } = Promise.withResolvers<never>()
  let nextLook = Number.POSITIVE_INFINITY
  /** Looks again after so long, or before where that is due anyway. */
  const lookAgain = (after: number): void => {
    const due = performance.now() + after
    if (due >= nextLook) return
    nextLook = due
    const look = () => {
      if (nextLook === due) nextLook = Number.POSITIVE_INFINITY
      return handle({ events: [] })
    }
    delay(after, undefined, { signal, ref: false })
      .then(look)
      .catch((cause: unknown) => signal.aborted || fail(cause))
  }
  const follow = (sequence: number, subject: string): void => {
    if (followed.has(subject)) return
    followed.add(subject)
    bus.follow({ logId: bus.logId, sequence }, (batch) => handle(batch), signal, [subject]).catch(fail)
  }
  const followResources = (): void => {
    for (const resource of watchedIn(pipeline, graphs)) {
      const { pipeline: scope, node: key } = splitPart(resource)
      follow(sequenceOf(self.offered[resource]), historyOf({ aggregate: 'artifact', scope, key }))
    }
  }

  self = (await owner.current(address)).state
  follow(await startOf(bus, pipeline, self.open), historiesOf({ aggregate: 'run', scope: pipeline }))
  const definitions = bus.follow(
    { logId: bus.logId, sequence: 0 },
    async (batch) => {
      await handle(batch, batch.pending === 0)
      if (isDefined) followResources()
    },
    signal,
    [historiesOf({ aggregate: 'pipeline', key: 'self' })],
  )
  try {
    await Promise.race([definitions, broken])
  } catch (cause) {
    if (!signal.aborted) throw cause
  }
}

/** Before the first event of the oldest run that is open; the end of the log where none is. */
const startOf = async (bus: Bus, pipeline: string, open: readonly number[]): Promise<number> => {
  const head = await bus.head()
  const histories = await Promise.all(
    open.map((run) => bus.read({ aggregate: 'run', scope: pipeline, key: String(run) })),
  )
  return Math.min(head, ...histories.map(({ events }) => (events[0]?.sequence ?? 1) - 1))
}
