import { accept, type Decider, type Decision, refuse } from '#bus/decider'
import { sequenceOf } from '#contracts/names'
import type { PipelineCommand, PipelineEvent } from '#contracts/pipeline'
import { firstEventsOf } from './consequences.ts'
import { evolve, initial, type Pipeline } from './pipeline-state.ts'

type PipelineDecider = Decider<Pipeline, PipelineCommand, PipelineEvent>
type Data<Type extends PipelineCommand['type']> = Extract<PipelineCommand, { type: Type }>['data']

const decide: PipelineDecider['decide'] = (command, pipeline) => {
  const { scope } = command
  switch (command.type) {
    case 'pipeline.define':
      return command.data.digest === pipeline.digest
        ? accept<PipelineEvent>()
        : accept<PipelineEvent>({ type: 'pipeline.defined', data: { ...command.data, version: pipeline.version + 1 } })
    case 'pipeline.start':
      return request(scope, pipeline, { request: command.id, message: command.data.message })
    case 'pipeline.rerun': {
      const { message, ...rerun } = command.data
      if (pipeline.keepsRuns && rerun.run >= pipeline.next) return refuse('unknown', `${scope} has no run ${rerun.run}`)
      return request(scope, pipeline, {
        request: command.id,
        message: message ?? `run ${rerun.run} again`,
        rerun,
      })
    }
    case 'pipeline.fire':
      // Each number fires once: those before the last one that did have been looked at.
      return sequenceOf(command.data.metric.position) <= sequenceOf(pipeline.fired)
        ? accept<PipelineEvent>()
        : request(scope, pipeline, { request: command.id, ...command.data })
    case 'pipeline.withdraw':
    case 'pipeline.drop':
      return pipeline.requests.some(({ request }) => request === command.data.request)
        ? accept<PipelineEvent>({ type: 'pipeline.request-dropped', data: command.data })
        : refuse('not-requested', 'Nobody asked for this run, or it has run already')
    case 'pipeline.plan':
      return plan(scope, command.data, pipeline)
    case 'pipeline.release':
      return pipeline.open.includes(command.data.run)
        ? accept<PipelineEvent>({ type: 'pipeline.run-released', data: command.data })
        : accept<PipelineEvent>()
    case 'pipeline.pause':
      if (!pipeline.keepsRuns) return noRuns(scope, pipeline)
      return pipeline.paused === undefined
        ? accept<PipelineEvent>({ type: 'pipeline.paused', data: command.data })
        : accept<PipelineEvent>()
    case 'pipeline.resume':
      return pipeline.paused === undefined
        ? accept<PipelineEvent>()
        : accept<PipelineEvent>({ type: 'pipeline.resumed', data: {} })
    case 'pipeline.explain':
      return same(command.data.reasons, pipeline.waits)
        ? accept<PipelineEvent>()
        : accept<PipelineEvent>({ type: 'pipeline.waits', data: command.data })
  }
}

type Requested = Extract<PipelineEvent, { type: 'pipeline.run-requested' }>['data']

const request = (scope: string, pipeline: Pipeline, data: Requested): Decision<PipelineEvent> =>
  pipeline.keepsRuns ? accept<PipelineEvent>({ type: 'pipeline.run-requested', data }) : noRuns(scope, pipeline)

const noRuns = (scope: string, { version }: Pipeline): Decision<never> =>
  version === 0
    ? refuse('undefined', `Nobody has defined ${scope}: start the host that runs it`)
    : refuse('no-runs', `Runs don't belong to ${scope}: it has no metadata store. Start one where they do`)

const plan = (scope: string, given: Data<'pipeline.plan'>, pipeline: Pipeline): Decision<PipelineEvent> => {
  const { trigger, offers, nodes, ...more } = given
  if (pipeline.paused !== undefined) return refuse('paused', `${scope} is paused`)
  if (pipeline.open.length >= pipeline.slots) return refuse('no-slot', `Run ${pipeline.open.join(', ')} is under way`)
  // Offered from where the last offer ended: neither a gap nor a fact twice. What is repeated was offered then.
  const stale =
    trigger.kind !== 'rerun' &&
    offers.find(({ resource, after }) => after !== (pipeline.offered[resource] ?? after.replace(/\d+$/, '0')))
  if (stale) return refuse('stale', `${stale.resource} has been offered up to ${pipeline.offered[stale.resource]}`)
  if (trigger.kind !== 'files' && !pipeline.requests.some(({ request }) => request === trigger.request))
    return refuse('not-requested', 'Nobody asked for this run, or it has run already')
  if (trigger.kind === 'files' && offers.every(({ count }) => count === 0))
    return refuse('empty', 'Nothing has arrived for this run')
  const run = pipeline.next
  const planned = { run, trigger, offers: [...offers], ...more }
  const first = firstEventsOf({ type: 'run.planned', data: { ...planned, nodes } })
  return {
    accepted: true,
    events: [{ type: 'pipeline.run-planned', data: planned }],
    also: [{ address: { aggregate: 'run', scope, key: String(run) }, expectedVersion: 0, events: first }],
  }
}

const same = (some: Readonly<Record<string, string>>, others: Readonly<Record<string, string>>): boolean =>
  Object.keys(some).length === Object.keys(others).length &&
  Object.entries(some).every(([part, reason]) => others[part] === reason)

/** A pipeline: decides when its runs begin and what each is offered. */
export const pipelineDecider: PipelineDecider = { aggregate: 'pipeline', initial, evolve, decide }
