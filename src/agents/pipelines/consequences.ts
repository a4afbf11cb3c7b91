import type { RunEvent, ScheduledNode } from '#contracts/run'
import { evolve, initial, type Node, type Run } from './run-state.ts'

/** A node that is in none of these states goes on by itself no longer. */
const unended = ['waiting', 'scheduled', 'running', 'retrying']

/** What follows once something has changed: nodes that can be executed now, nodes that never will, the run's end. */
export const consequencesOf = (run: Run): RunEvent[] => {
  const events: RunEvent[] = []
  let now = run
  for (let changed = true; changed; ) {
    changed = false
    for (const [part, node] of Object.entries(now.nodes)) {
      const event = now.stopping ? stopped(now, part, node) : next(now, part, node)
      if (!event) continue
      events.push(event)
      now = evolve(now, event)
      changed = true
    }
  }
  const end = endOf(now)
  return end ? [...events, end] : events
}

/** A run's first events: that it begins, and what can be executed at once. */
export const firstEventsOf = (planned: Extract<RunEvent, { type: 'run.planned' }>): RunEvent[] => [
  planned,
  ...consequencesOf(evolve(initial, planned)),
]

type Success = Extract<RunEvent, { type: 'run.node-succeeded' }>

/**
 * A node's success with what follows from it. The nodes that it lets begin stand in the event itself: one event is stored several
 * times as quickly as two that must agree.
 */
export const successOf = (run: Run, data: Omit<Success['data'], 'next'>): RunEvent[] => {
  const alone: Success = { type: 'run.node-succeeded', data: { ...data, next: [] } }
  const all = consequencesOf(evolve(run, alone))
  const next = all.flatMap((event) => (event.type === 'run.node-scheduled' ? [event.data] : []))
  return [{ ...alone, data: { ...alone.data, next } }, ...all.filter(({ type }) => type !== 'run.node-scheduled')]
}

/** What becomes of a node that waits. */
const next = (run: Run, part: string, node: Node): RunEvent | undefined => {
  if (node.state !== 'waiting') return undefined
  const because = lostBecause(run, node)
  if (because) {
    const reason = `${because} ${run.nodes[because]?.state === 'skipped' ? 'was skipped' : 'did not succeed'}`
    return { type: 'run.node-skipped', data: { part, because, reason } }
  }
  if (node.executed === undefined || run.held.length > 0 || !isReady(run, node)) return undefined
  return { type: 'run.node-scheduled', data: toExecute(part, node, node.attempt + 1) }
}

/** What whoever executes a node is told. */
export const toExecute = (part: string, { timeout }: Node, attempt: number): ScheduledNode => ({
  part,
  attempt,
  ...(timeout !== undefined && { timeout }),
})

/** The node for whose sake another will never be executed. */
const lostBecause = (run: Run, node: Node): string | undefined => {
  const lost = (before: string) => ['failed', 'skipped', 'cancelled'].includes(run.nodes[before]?.state ?? '')
  const before = awaited(run, node)
  if (node.join === 'any') return before.length > 0 && before.every(lost) ? before.find(lost) : undefined
  return before.find(lost)
}

const isReady = (run: Run, node: Node): boolean => {
  const before = awaited(run, node)
  const succeeded = (part: string) => run.nodes[part]?.state === 'succeeded'
  return node.join === 'any' && before.length > 0 ? before.some(succeeded) : before.every(succeeded)
}

/** The nodes before it that count: where one of several will do, a store, which is always ready, does not. */
const awaited = (run: Run, { after, join }: Node): readonly string[] =>
  join === 'any' ? after.filter((before) => run.nodes[before]?.executed !== false) : after

/** What becomes of a node of a run that is to end: what is executed says itself that it has stopped. */
const stopped = ({ stopping }: Run, part: string, { state, attempt }: Node): RunEvent | undefined => {
  if (state === 'running' || !unended.includes(state)) return undefined
  const reason = `The run is ${stopping?.why === 'timed-out' ? 'beyond its deadline' : 'cancelled'}`
  return { type: 'run.node-cancelled', data: { part, attempt, stopped: true, reason } }
}

/** How a run ends, once nothing of it goes on. */
const endOf = ({ nodes, stopping, unstopped, status }: Run): RunEvent | undefined => {
  const all = Object.entries(nodes)
  if (status !== 'open' || all.some(([, { state }]) => unended.includes(state))) return undefined
  if (stopping) return { type: `run.${stopping.why}`, data: { reason: stopping.reason, unstopped: [...unstopped] } }
  const failed = all.filter(([, { state }]) => state === 'failed').map(([part]) => part)
  return failed.length > 0 ? { type: 'run.failed', data: { failed } } : { type: 'run.succeeded', data: {} }
}
