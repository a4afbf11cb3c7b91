import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import { reasonOf } from '#bus/fault'
import type { ownerOf } from '#bus/handle'
import { patiently } from '#bus/patience'
import { readEvent } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Cause, Recorded } from '#contracts/envelope'
import { sequenceOf, splitPart } from '#contracts/names'
import type { Graph, PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import { historiesOf, historyOf } from '#contracts/subjects'
import { messageOf, type Offerable, openArrivals } from './arrivals.ts'
import { cycleIn, digestOf, extentOf } from './graph.ts'
import { type Pipeline, pipelineDecider } from './pipeline.ts'
import type { Trigger } from './shape.ts'

type Owner = ReturnType<typeof ownerOf<Pipeline, never, never>>

type Planner = {
  readonly bus: Bus
  readonly owner: Pick<Owner, 'handle' | 'current'>
  readonly pipeline: string
  /** Conditions of the stores that this host runs. */
  readonly triggers: ReadonlyMap<string, Trigger>
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

type Ended = { readonly outcome: 'succeeded' | 'failed'; readonly cause: Cause }

/**
 * Plans a pipeline's runs: listens to what arrives, to definitions and to runs that end, and asks for the next run when a
 * slot is free and every condition holds. It looks at the state, not at the step: told twice or late, it does the same.
 * It plans nothing before it has heard every definition that there is.
 */
export const plan = async ({ bus, owner, pipeline, triggers, say, signal }: Planner): Promise<void> => {
  const address = { aggregate: 'pipeline', scope: pipeline, key: 'self' }
  const graphs = new Map<string, Graph>()
  const arrivals = openArrivals(bus.logId)
  const ended = new Map<number, Ended>()
  const requested = new Map<string, Cause>()
  let self = pipelineDecider.initial
  let isDefined = false
  let complaint = ''

  const ask = async (type: string, data: object, causedBy: Cause | undefined): Promise<void> => {
    await owner.handle(address, commandFrom({ address, type, data, causedBy }, bus.principal))
    self = (await owner.current(address)).state
  }

  /** Says why no run is planned, once for as long as it is so. */
  const complain = (about: string): void => {
    if (about !== complaint) say(about)
    complaint = about
  }

  const watched = (): string[] =>
    extentOf(pipeline, graphs)
      .map(({ part }) => part)
      .filter((part) => {
        const { pipeline: owned, node } = splitPart(part)
        return graphs.get(owned)?.nodes.some(({ name, watch }) => name === node && watch === true)
      })

  const holds = ({ offer: { resource }, fresh }: Offerable): boolean => {
    if (fresh.length === 0) return false
    try {
      const held = triggers.get(resource)?.({ fresh }) ?? true
      if (typeof held === 'string') complain(`${resource} waits: ${held}`)
      return held === true
    } catch (reason) {
      complain(`The trigger of ${resource} threw: ${reasonOf(reason)}`)
      return false
    }
  }

  /** Does what is due. Refusals mean that somebody was faster, or that nothing is due after all. */
  const evaluate = async (): Promise<void> => {
    for (const run of self.open) {
      const end = ended.get(run)
      if (end) await ask('pipeline.release', { run, outcome: end.outcome }, end.cause)
    }
    if (self.version === 0 || self.open.length > 0) return
    const offers = watched().map((resource) => arrivals.since(resource, self.offered[resource]))
    const [request] = self.requests
    const byFiles = offers.length > 0 && offers.every(holds)
    if (!request && !byFiles) return
    if (request && !requested.has(request.request)) return // Its event is on its way, and looks again.
    const nodes = extentOf(pipeline, graphs)
    const cycle = cycleIn(nodes)
    if (cycle) return complain(`${pipeline} plans no run: its nodes wait for each other: ${cycle.join(' after ')}`)
    complaint = ''
    const newest = offers.map(({ cause }) => cause).findLast((cause) => cause !== undefined)
    const plan = {
      trigger: request ? { kind: 'request', ...request } : { kind: 'files', message: messageOf(offers) },
      offers: offers.map(({ offer }) => offer),
      graph: digestOf(nodes),
      nodes,
    }
    await ask('pipeline.plan', plan, request ? requested.get(request.request) : newest)
    arrivals.forget(self.offered)
  }

  const apply = (recorded: Recorded): void => {
    const reading = readEvent(recorded)
    if (!reading.kept) return
    const event = reading.event as Recorded & (PipelineEvent | RunEvent | ArtifactEvent)
    const isOurs = event.address.scope === pipeline
    switch (event.type) {
      case 'pipeline.defined':
        graphs.set(event.data.graph.pipeline, event.data.graph)
        break
      case 'pipeline.run-requested':
        if (isOurs) requested.set(event.data.request, event)
        break
      case 'pipeline.run-planned':
        if (isOurs) requested.delete(event.data.trigger.request ?? '')
        break
      case 'artifact.detected':
      case 'artifact.gone':
        arrivals.take(event)
        break
      case 'run.succeeded':
      case 'run.failed':
        if (isOurs)
          ended.set(Number(event.address.key), {
            outcome: event.type === 'run.failed' ? 'failed' : 'succeeded',
            cause: event,
          })
        break
      case 'pipeline.run-released':
        if (isOurs) ended.delete(event.data.run)
        break
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
  const follow = (sequence: number, subject: string): void => {
    if (followed.has(subject)) return
    followed.add(subject)
    bus.follow({ logId: bus.logId, sequence }, (batch) => handle(batch), signal, [subject]).catch(fail)
  }
  const followResources = (): void => {
    for (const resource of watched()) {
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
