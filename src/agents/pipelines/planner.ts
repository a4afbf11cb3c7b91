import type { Bus } from '#bus/bus'
import { commandFrom } from '#bus/command'
import { reasonOf } from '#bus/fault'
import type { ownerOf } from '#bus/handle'
import { readEvent } from '#contracts/all'
import type { ArtifactEvent } from '#contracts/artifact'
import type { Recorded } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import type { Graph, Offer, PipelineEvent } from '#contracts/pipeline'
import type { RunEvent } from '#contracts/run'
import { historiesOf, historyOf } from '#contracts/subjects'
import { digestOf, extentOf } from './graph.ts'
import { patiently } from './patience.ts'
import { type Pipeline, pipelineDecider } from './pipeline.ts'
import type { Listed, Trigger } from './shape.ts'

type Owner = ReturnType<typeof ownerOf<Pipeline, never, never>>

/** What has arrived at one resource since its last offer: by path, the newest bytes. */
type Arrived = { readonly files: Map<string, Listed & { readonly sequence: number }>; last: number }

type Planner = {
  readonly bus: Bus
  readonly owner: Pick<Owner, 'handle' | 'current'>
  readonly pipeline: string
  /** Conditions of the stores that this host runs. */
  readonly triggers: ReadonlyMap<string, Trigger>
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

/**
 * Plans a pipeline's runs: listens to what arrives, to definitions and to runs that end, and asks for the next run when a
 * slot is free and every condition holds. It looks at the state, not at the step: told twice or late, it does the same.
 */
export const plan = async ({ bus, owner, pipeline, triggers, say, signal }: Planner): Promise<void> => {
  const address = { aggregate: 'pipeline', scope: pipeline, key: 'self' }
  const graphs = new Map<string, Graph>()
  const arrived = new Map<string, Arrived>()
  const ended = new Map<number, 'succeeded' | 'failed'>()
  let self = pipelineDecider.initial
  let cause: Recorded | undefined

  const ask = (type: string, data: object) =>
    owner.handle(address, commandFrom({ address, type, data, causedBy: cause }, bus.principal))

  const sequenceOf = (position: string | undefined): number => Number(position?.split('.').at(-1) ?? 0)

  const watched = (): string[] =>
    extentOf(pipeline, graphs)
      .map(({ part }) => part)
      .filter((part) => {
        const { pipeline: owned, node } = splitPart(part)
        return graphs.get(owned)?.nodes.some(({ name, watch }) => name === node && watch === true)
      })

  const offerOf = (resource: string): Offer & { readonly fresh: readonly Listed[] } => {
    const after = self.offered[resource] ?? `${bus.logId}.0`
    const fresh = [...(arrived.get(resource)?.files.values() ?? [])].filter(
      ({ sequence }) => sequence > sequenceOf(after),
    )
    const upTo = Math.max(arrived.get(resource)?.last ?? 0, sequenceOf(after))
    return { resource, after, upTo: `${bus.logId}.${upTo}`, count: fresh.length, fresh }
  }

  const holds = ({ resource, fresh }: { readonly resource: string; readonly fresh: readonly Listed[] }): boolean => {
    if (fresh.length === 0) return false
    try {
      return (triggers.get(resource)?.({ fresh }) ?? true) === true
    } catch (reason) {
      say(`The trigger of ${resource} threw: ${reasonOf(reason)}`)
      return false
    }
  }

  /** Does what is due. Refusals mean that somebody was faster, or that nothing is due after all. */
  const evaluate = async (): Promise<void> => {
    for (const run of self.open) {
      const outcome = ended.get(run)
      if (!outcome) continue
      await ask('pipeline.release', { run, outcome })
      self = (await owner.current(address)).state
    }
    if (self.version === 0 || self.open.length > 0) return
    const offers = watched().map(offerOf)
    const [request] = self.requests
    const byFiles = offers.length > 0 && offers.every(holds)
    if (!request && !byFiles) return
    const nodes = extentOf(pipeline, graphs)
    await ask('pipeline.plan', {
      trigger: request ? { kind: 'request', ...request } : { kind: 'files', message: messageOf(offers) },
      offers: offers.map(({ fresh: _, ...offer }) => offer),
      graph: digestOf(nodes),
      nodes,
    })
    self = (await owner.current(address)).state
    for (const [resource, { files }] of arrived)
      for (const [path, { sequence }] of files) if (sequence <= sequenceOf(self.offered[resource])) files.delete(path)
  }

  const apply = (recorded: Recorded): void => {
    const reading = readEvent(recorded)
    if (!reading.kept) return
    const event = reading.event as Recorded & (PipelineEvent | RunEvent | ArtifactEvent)
    switch (event.type) {
      case 'pipeline.defined':
        graphs.set(event.data.graph.pipeline, event.data.graph)
        break
      case 'artifact.detected':
      case 'artifact.gone': {
        const { store, path } = event.data
        const at = arrived.get(store) ?? { files: new Map(), last: 0 }
        arrived.set(store, at)
        at.last = event.sequence
        if (event.type === 'artifact.gone') at.files.delete(path)
        else at.files.set(path, { path, digest: event.data.digest, size: event.data.size, sequence: event.sequence })
        cause = event
        break
      }
      case 'run.succeeded':
      case 'run.failed':
        if (event.address.scope === pipeline)
          ended.set(Number(event.address.key), event.type === 'run.failed' ? 'failed' : 'succeeded')
        cause = event
        break
    }
  }

  let turn = Promise.resolve()
  const handle = ({ events }: { readonly events: readonly Recorded[] }): Promise<void> => {
    turn = turn.then(async () => {
      for (const event of events) apply(event)
      const look = async () => {
        self = (await owner.current(address)).state
        await evaluate()
      }
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
    bus.follow({ logId: bus.logId, sequence }, handle, signal, [subject]).catch(fail)
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
      await handle(batch)
      followResources()
    },
    signal,
    [historiesOf({ aggregate: 'pipeline', key: 'self' })],
  )
  await Promise.race([definitions, broken])
}

/** Before the first event of the oldest run that is open; the end of the log where none is. */
const startOf = async (bus: Bus, pipeline: string, open: readonly number[]): Promise<number> => {
  const head = await bus.head()
  const histories = await Promise.all(
    open.map((run) => bus.read({ aggregate: 'run', scope: pipeline, key: String(run) })),
  )
  return Math.min(head, ...histories.map(({ events }) => (events[0]?.sequence ?? 1) - 1))
}

const messageOf = (offers: readonly { readonly resource: string; readonly fresh: readonly Listed[] }[]): string =>
  offers
    .map(({ resource, fresh }) => {
      const names = fresh.slice(0, 3).map(({ path }) => path)
      const more = fresh.length > names.length ? ` and ${fresh.length - names.length} more` : ''
      return `${resource}: ${names.join(', ')}${more}`
    })
    .join('; ')
