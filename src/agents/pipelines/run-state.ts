import type { RunNode } from '#contracts/pipeline'
import type { RunEvent, ScheduledNode } from '#contracts/run'

/** What a run knows of one node. Stores are ready from the start; only actions are executed. */
export type Node = Pick<RunNode, 'after' | 'join' | 'retry' | 'timeout'> & {
  /** Whether it is executed at all; undefined while nobody has defined it: then it waits for its pipeline. */
  readonly executed: boolean | undefined
  readonly attempt: number
  readonly state: 'waiting' | 'scheduled' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'skipped' | 'cancelled'
  readonly delivery: number
  readonly instance: string
  readonly host: string
  readonly phase: string
  /** How often it has broken so far. */
  readonly broken: number
  /** The result that was accepted, so that a second delivery of it is known. */
  readonly outcome?: string | undefined
}

type Holder = 'request' | 'pipeline'

export type Run = {
  readonly status: 'unknown' | 'open' | 'succeeded' | 'failed' | 'cancelled' | 'timed-out'
  readonly nodes: Readonly<Record<string, Node>>
  /** Who holds it back. */
  readonly held: readonly Holder[]
  /** Set once it is to end before its time. */
  readonly stopping?: { readonly why: 'cancelled' | 'timed-out'; readonly reason: string } | undefined
  /** Nodes of which nobody has said that they stopped. */
  readonly unstopped: readonly string[]
  /** Executions whose late reports have been recorded as ignored. */
  readonly ignored: readonly string[]
}

/** One execution of one node. */
export type Execution = {
  readonly part: string
  readonly attempt: number
  readonly delivery: number
  readonly instance: string
}

export const initial: Run = { status: 'unknown', nodes: {}, held: [], unstopped: [], ignored: [] }

/** A run after one more event. */
export const evolve = (run: Run, event: RunEvent): Run => {
  switch (event.type) {
    case 'run.planned':
      return {
        ...run,
        status: 'open',
        nodes: Object.fromEntries(event.data.nodes.map((node) => [node.part, begin(node)])),
      }
    case 'run.node-known': {
      const { part, kind, ...policy } = event.data
      const executed = kind === 'action'
      return turn(run, part, { ...policy, executed, ...(!executed && { state: 'succeeded' }) })
    }
    case 'run.node-scheduled':
      return schedule(run, event.data)
    case 'run.node-started': {
      const { delivery, instance, host } = event.data
      return turn(run, event.data.part, { state: 'running', delivery, instance, host, phase: 'running' })
    }
    case 'run.node-turned':
      return turn(run, event.data.part, { phase: event.data.phase })
    case 'run.node-succeeded':
      return event.data.next.reduce(schedule, turn(run, event.data.part, { state: 'succeeded', outcome: 'succeeded' }))
    case 'run.node-failed': {
      const broken = (run.nodes[event.data.part]?.broken ?? 0) + 1
      return turn(run, event.data.part, { state: 'failed', outcome: event.data.how, broken })
    }
    case 'run.node-retry-set':
      // While the run is held back it waits with everything else, and needs no time of its own.
      return turn(run, event.data.part, { state: run.held.length > 0 ? 'waiting' : 'retrying' })
    case 'run.node-skipped':
      return turn(run, event.data.part, { state: 'skipped' })
    case 'run.node-cancelled': {
      const { part, stopped } = event.data
      const unstopped = stopped ? run.unstopped : [...run.unstopped, part]
      return turn({ ...run, unstopped }, part, { state: 'cancelled', outcome: 'cancelled' })
    }
    case 'run.report-ignored':
      return { ...run, ignored: [...run.ignored, nameOf(event.data)] }
    case 'run.paused':
      return pause({ ...run, held: [...run.held, event.data.by] })
    case 'run.resumed':
      return { ...run, held: run.held.filter((by) => by !== event.data.by) }
    case 'run.stop-begun':
      return { ...run, stopping: event.data }
    case 'run.succeeded':
      return { ...run, status: 'succeeded' }
    case 'run.failed':
      return { ...run, status: 'failed' }
    case 'run.cancelled':
      return { ...run, status: 'cancelled' }
    case 'run.timed-out':
      return { ...run, status: 'timed-out' }
  }
}

const nobody = { delivery: 0, instance: '', host: '', phase: '' }

const begin = ({ kind, after, join, retry, timeout, reused }: RunNode): Node => {
  const executed = kind === 'unknown' ? undefined : kind === 'action'
  const state = executed === false || reused !== undefined ? 'succeeded' : 'waiting'
  return { after, join, retry, timeout, executed, state, attempt: 0, broken: 0, ...nobody }
}

/** What was to begin waits again: its work is refused by the number of its attempt, and it is scheduled anew. */
const pause = (run: Run): Run => ({
  ...run,
  nodes: Object.fromEntries(
    Object.entries(run.nodes).map(([part, node]) => [
      part,
      node.state === 'scheduled' || node.state === 'retrying' ? { ...node, state: 'waiting' } : node,
    ]),
  ),
})

const schedule = (run: Run, { part, attempt }: ScheduledNode): Run =>
  turn(run, part, { state: 'scheduled', attempt, ...nobody })

const turn = (run: Run, part: string, change: Partial<Node>): Run => {
  const node = run.nodes[part]
  return node ? { ...run, nodes: { ...run.nodes, [part]: { ...node, ...change } } } : run
}

/** Whether this execution is the one that the node was last started as. */
export const isOf = (node: Node, { attempt, delivery, instance }: Execution): boolean =>
  node.attempt === attempt && node.delivery === delivery && node.instance === instance

/** Whether this execution is under way, as far as the run knows. */
export const holds = (node: Node, execution: Execution): boolean => node.state === 'running' && isOf(node, execution)

/** An execution as a text, by which a late report of it is known again. */
export const nameOf = ({ part, attempt, delivery, instance }: Execution): string =>
  [part, attempt, delivery, instance].join(' ')
