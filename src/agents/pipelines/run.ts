import { accept, type Decider, type Decision, refuse } from '#bus/decider'
import type { Retry } from '#contracts/pipeline'
import type { RunCommand, RunEvent } from '#contracts/run'
import { consequencesOf, successOf, toExecute } from './consequences.ts'
import { type Execution, evolve, holds, initial, isOf, type Node, nameOf, type Run } from './run-state.ts'

type RunDecider = Decider<Run, RunCommand, RunEvent>
type Data<Type extends RunCommand['type']> = Extract<RunCommand, { type: Type }>['data']

const decide: RunDecider['decide'] = (command, run) => {
  if (run.status === 'unknown') return refuse('unknown', `${command.scope} has no run ${command.key}`)
  switch (command.type) {
    case 'run.cancel':
      return stop(run, { why: 'cancelled', reason: command.data.reason }, command.key)
    case 'run.expire':
      // What has ended, or is ending, by then was in time.
      return run.status === 'open' && !run.stopping
        ? stop(run, { why: 'timed-out', reason: 'It took longer than its deadline' }, command.key)
        : accept<RunEvent>()
    case 'run.settle':
      return settle(run)
    case 'run.pause':
      return hold(run, 'request', command.data.reason, command.key)
    case 'run.hold':
      return hold(run, 'pipeline', command.data.reason, command.key)
    case 'run.resume':
      return letGo(run, 'request', command.key)
    case 'run.let-go':
      return letGo(run, 'pipeline', command.key)
  }
  const node = run.nodes[command.data.part]
  if (!node) return refuse('unknown-node', `Run ${command.key} has no node ${command.data.part}`)
  switch (command.type) {
    case 'run.start-node':
      return start(command.data, run, node)
    case 'run.beat-node':
      return beat(command.data, run, node)
    case 'run.turn-node':
      if (!holds(node, command.data)) return superseded(node)
      return node.phase === command.data.phase ? accept() : accept({ type: 'run.node-turned', data: command.data })
    case 'run.report-node':
      return report(command.data, run, node)
    case 'run.know-node':
      return node.executed === undefined ? after(run, { type: 'run.node-known', data: command.data }) : accept()
    case 'run.retry-node':
      return retry(command.data, run, node)
  }
}

/** A higher delivery supersedes: the server delivers again only once the lease of the one before has run out. */
const start = (data: Data<'run.start-node'>, run: Run, node: Node): Decision<RunEvent> => {
  if (run.stopping) {
    const { part, attempt, instance, delivery, host } = data
    const isOver = node.state === 'running' && node.attempt === attempt && node.instance === instance
    // An instance asks again only when what it executed before is over: it was killed, and is there again.
    return isOver && delivery > node.delivery
      ? after(run, {
          type: 'run.node-cancelled',
          data: { part, attempt, stopped: true, reason: `${host} was started anew` },
        })
      : refuse('cancelled', `The run is being ended: ${run.stopping.reason}`)
  }
  if (node.state === 'waiting' || node.state === 'retrying')
    return run.held.length > 0
      ? refuse('paused', 'The run is paused')
      : refuse(
          'not-scheduled',
          node.state === 'retrying' ? 'It is tried again later' : 'What it waits for has not come',
        )
  if (data.attempt !== node.attempt) return refuse('old-attempt', `The node is at attempt ${node.attempt}`)
  switch (node.state) {
    case 'succeeded':
    case 'failed':
    case 'skipped':
    case 'cancelled':
      return refuse('ended', `The node has ended already: it is ${node.state}`)
    case 'running':
      if (holds(node, data)) return accept()
      if (data.delivery <= node.delivery) return superseded(node)
      break
    case 'scheduled':
      break
  }
  const { part, attempt, delivery, instance, host } = data
  return accept<RunEvent>({ type: 'run.node-started', data: { part, attempt, delivery, instance, host } })
}

const beat = (data: Execution, run: Run, node: Node): Decision<RunEvent> => {
  if (!holds(node, data)) return superseded(node)
  return run.stopping ? refuse('cancelled', `The run is being ended: ${run.stopping.reason}`) : accept()
}

const superseded = ({ state }: Node): Decision<never> =>
  state === 'running'
    ? refuse('superseded', 'Another process executes this node')
    : refuse('ended', `The node is not executed any longer: it is ${state}`)

const report = (data: Data<'run.report-node'>, run: Run, node: Node): Decision<RunEvent> => {
  const { part, attempt, delivery, instance, result } = data
  const execution = { part, attempt, delivery, instance }
  if (!holds(node, data)) {
    if (isOf(node, data) && node.outcome === result.outcome) return accept()
    const reason = node.state === 'running' ? 'another process executes the node' : `the node is ${node.state}`
    if (run.ignored.includes(nameOf(execution)))
      return refuse(node.state === 'running' ? 'superseded' : 'ended', reason)
    return accept<RunEvent>({ type: 'run.report-ignored', data: { ...execution, reported: result.outcome, reason } })
  }
  switch (result.outcome) {
    case 'succeeded': {
      const { message } = result
      return accept(...successOf(run, { ...execution, ...(message !== undefined && { message }) }))
    }
    case 'cancelled':
      // Nobody asked it to stop: it did so by itself, and that is a failure like any other.
      return run.stopping
        ? after(run, { type: 'run.node-cancelled', data: { part, attempt, stopped: true, reason: result.reason } })
        : failed(run, data, node, { how: 'errored', reason: result.reason })
    case 'failed':
    case 'errored':
      return failed(run, data, node, { how: result.outcome, reason: result.reason })
  }
}

type Failure = { readonly how: 'failed' | 'errored'; readonly reason: string }

/** What broke is tried again as often as the node allows; what said no is not asked again. */
const failed = (
  run: Run,
  { part, attempt, delivery, instance }: Execution,
  node: Node,
  { how, reason }: Failure,
): Decision<RunEvent> => {
  const event: RunEvent = { type: 'run.node-failed', data: { part, attempt, delivery, instance, how, reason } }
  const again = how === 'errored' && !run.stopping && node.retry && node.broken < node.retry.times
  if (!again || !node.retry) return after(run, event)
  const tries = node.broken + 1
  const set = { part, attempt: attempt + 1, tries, of: node.retry.times, delay: delayOf(node.retry, tries) }
  return after(run, event, { type: 'run.node-retry-set', data: set })
}

/** Before which delay the first, second, … retry is made: each `factor` times the one before, and none above `most`. */
export const delayOf = ({ delay, factor, most }: Retry, tries: number): number =>
  Math.round(Math.min(most, delay * factor ** (tries - 1)))

const retry = ({ part, attempt }: Data<'run.retry-node'>, run: Run, node: Node): Decision<RunEvent> =>
  node.state === 'retrying' && node.attempt + 1 === attempt && !run.stopping
    ? accept<RunEvent>({ type: 'run.node-scheduled', data: toExecute(part, node, attempt) })
    : accept()

const stop = (run: Run, begun: NonNullable<Run['stopping']>, number: string): Decision<RunEvent> => {
  if (run.status !== 'open') return refuse('ended', `Run ${number} has ended already: it is ${run.status}`)
  return run.stopping ? accept() : after(run, { type: 'run.stop-begun', data: begun })
}

/** What has not said by now that it stopped is left to itself. */
const settle = (run: Run): Decision<RunEvent> => {
  if (run.status !== 'open' || !run.stopping) return accept()
  const silent = Object.entries(run.nodes).filter(([, { state }]) => state === 'running')
  return after(
    run,
    ...silent.map(([part, { attempt, host }]): RunEvent => {
      const reason = `${host} has not said that it stopped`
      return { type: 'run.node-cancelled', data: { part, attempt, stopped: false, reason } }
    }),
  )
}

const hold = (run: Run, by: Run['held'][number], reason: string, number: string): Decision<RunEvent> => {
  const isOver = run.status !== 'open' || run.stopping !== undefined
  if (isOver && by === 'pipeline') return accept()
  if (run.status !== 'open') return refuse('ended', `Run ${number} has ended already: it is ${run.status}`)
  if (run.stopping) return refuse('cancelled', `The run is being ended: ${run.stopping.reason}`)
  return run.held.includes(by) ? accept() : accept<RunEvent>({ type: 'run.paused', data: { by, reason } })
}

const letGo = (run: Run, by: Run['held'][number], number: string): Decision<RunEvent> => {
  if (run.status !== 'open')
    return by === 'pipeline' ? accept() : refuse('ended', `Run ${number} has ended already: it is ${run.status}`)
  if (run.held.includes(by)) return after(run, { type: 'run.resumed', data: { by } })
  return by === 'request' && run.held.length > 0
    ? refuse('pipeline-paused', 'Its pipeline is paused: resume that')
    : accept()
}

/** Events, and what follows from them. */
const after = (run: Run, ...events: readonly RunEvent[]): Decision<RunEvent> =>
  accept<RunEvent>(...events, ...consequencesOf(events.reduce(evolve, run)))

/** A run: decides which node is executed when, and how it ends. */
export const run: RunDecider = { aggregate: 'run', initial, evolve, decide }
