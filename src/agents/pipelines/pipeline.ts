import { accept, type Decider, type Decision, refuse } from '#bus/decider'
import type { PipelineCommand, PipelineEvent } from '#contracts/pipeline'
import { firstEventsOf } from './run.ts'

/** What spans a pipeline's runs: numbering, slots, what has been offered, what was asked for. */
export type Pipeline = {
  readonly version: number
  readonly digest: string
  /** Whether runs belong to it: it has a metadata store. */
  readonly keepsRuns: boolean
  /** The number of the next run. */
  readonly next: number
  /** Runs that hold a slot. */
  readonly open: readonly number[]
  /** Requests that no run has answered yet, oldest first. */
  readonly requests: readonly { readonly request: string; readonly message: string }[]
  /** Up to where each resource's facts have been offered. */
  readonly offered: Readonly<Record<string, string>>
}

type PipelineDecider = Decider<Pipeline, PipelineCommand, PipelineEvent>
type Plan = Extract<PipelineCommand, { type: 'pipeline.plan' }>['data']

/** How many runs may be under way at once. */
const slots = 1

const initial: Pipeline = { version: 0, digest: '', keepsRuns: false, next: 0, open: [], requests: [], offered: {} }

const evolve = (pipeline: Pipeline, event: PipelineEvent): Pipeline => {
  switch (event.type) {
    case 'pipeline.defined':
      return {
        ...pipeline,
        version: event.data.version,
        digest: event.data.digest,
        keepsRuns: event.data.graph.nodes.some(({ kind }) => kind === 'metadata-store'),
      }
    case 'pipeline.run-requested':
      return { ...pipeline, requests: [...pipeline.requests, event.data] }
    case 'pipeline.run-planned':
      return {
        ...pipeline,
        next: event.data.run + 1,
        open: [...pipeline.open, event.data.run],
        requests: pipeline.requests.filter(({ request }) => request !== event.data.trigger.request),
        offered: {
          ...pipeline.offered,
          ...Object.fromEntries(event.data.offers.map(({ resource, upTo }) => [resource, upTo])),
        },
      }
    case 'pipeline.run-released':
      return { ...pipeline, open: pipeline.open.filter((run) => run !== event.data.run) }
  }
}

const decide: PipelineDecider['decide'] = (command, pipeline) => {
  switch (command.type) {
    case 'pipeline.define':
      return command.data.digest === pipeline.digest
        ? accept<PipelineEvent>()
        : accept<PipelineEvent>({ type: 'pipeline.defined', data: { ...command.data, version: pipeline.version + 1 } })
    case 'pipeline.start':
      if (pipeline.version === 0)
        return refuse('undefined', `Nobody has defined ${command.scope}: start the host that runs it`)
      if (!pipeline.keepsRuns)
        return refuse(
          'no-runs',
          `Runs don't belong to ${command.scope}: it has no metadata store. Start one where they do`,
        )
      return accept<PipelineEvent>({
        type: 'pipeline.run-requested',
        data: { request: command.id, message: command.data.message },
      })
    case 'pipeline.plan':
      return plan(command.scope, command.data, pipeline)
    case 'pipeline.release':
      return pipeline.open.includes(command.data.run)
        ? accept<PipelineEvent>({ type: 'pipeline.run-released', data: command.data })
        : accept<PipelineEvent>()
  }
}

const plan = (scope: string, { trigger, offers, graph, nodes }: Plan, pipeline: Pipeline): Decision<PipelineEvent> => {
  if (pipeline.open.length >= slots) return refuse('no-slot', `Run ${pipeline.open.join(', ')} is under way`)
  // Offered from where the last offer ended: neither a gap nor a fact twice.
  const stale = offers.find(
    ({ resource, after }) => after !== (pipeline.offered[resource] ?? after.replace(/\d+$/, '0')),
  )
  if (stale) return refuse('stale', `${stale.resource} has been offered up to ${pipeline.offered[stale.resource]}`)
  if (trigger.kind === 'request' && !pipeline.requests.some(({ request }) => request === trigger.request))
    return refuse('not-requested', 'Nobody asked for this run, or it has run already')
  if (trigger.kind === 'files' && offers.every(({ count }) => count === 0))
    return refuse('empty', 'Nothing has arrived for this run')
  const run = pipeline.next
  const planned = { run, graph, trigger, offers: [...offers] }
  const first = firstEventsOf({ type: 'run.planned', data: { ...planned, nodes } })
  return {
    accepted: true,
    events: [{ type: 'pipeline.run-planned', data: planned }],
    also: [{ address: { aggregate: 'run', scope, key: String(run) }, expectedVersion: 0, events: first }],
  }
}

/** A pipeline: decides when its runs begin and what each is offered. */
export const pipelineDecider: PipelineDecider = { aggregate: 'pipeline', initial, evolve, decide }
