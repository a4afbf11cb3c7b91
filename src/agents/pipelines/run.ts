import { accept, type Decider, refuse } from '#bus/decider'
import type { RunCommand, RunEvent } from '#contracts/run'

/** What a run knows of one node. Stores are ready from the start; only actions are executed. */
type Node = {
  readonly after: readonly string[]
  readonly attempt: number
  readonly state: 'waiting' | 'scheduled' | 'running' | 'succeeded' | 'failed' | 'skipped'
  readonly delivery: number
  readonly instance: string
  /** The result that was accepted, so that a second delivery of it is known. */
  readonly outcome?: string | undefined
}

export type Run = {
  readonly status: 'unknown' | 'open' | 'succeeded' | 'failed'
  readonly nodes: Readonly<Record<string, Node>>
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
type RunDecider = Decider<Run, RunCommand, RunEvent>

const initial: Run = { status: 'unknown', nodes: {}, ignored: [] }

const evolve = (run: Run, event: RunEvent): Run => {
  switch (event.type) {
    case 'run.planned': {
      const nodes = event.data.nodes.map(({ part, kind, after }): [string, Node] => [
        part,
        { after, attempt: 0, state: isExecuted(kind) ? 'waiting' : 'succeeded', delivery: 0, instance: '' },
      ])
      return { ...run, status: 'open', nodes: Object.fromEntries(nodes) }
    }
    case 'run.node-scheduled':
      return turn(run, event.data.part, { state: 'scheduled', attempt: event.data.attempt, delivery: 0, instance: '' })
    case 'run.node-started':
      return turn(run, event.data.part, {
        state: 'running',
        delivery: event.data.delivery,
        instance: event.data.instance,
      })
    case 'run.node-succeeded':
      return turn(run, event.data.part, { state: 'succeeded', outcome: 'succeeded' })
    case 'run.node-failed':
      return turn(run, event.data.part, { state: 'failed', outcome: event.data.how })
    case 'run.node-skipped':
      return turn(run, event.data.part, { state: 'skipped' })
    case 'run.report-ignored':
      return { ...run, ignored: [...run.ignored, nameOf(event.data)] }
    case 'run.succeeded':
      return { ...run, status: 'succeeded' }
    case 'run.failed':
      return { ...run, status: 'failed' }
  }
}

const decide: RunDecider['decide'] = (command, run) => {
  if (run.status === 'unknown') return refuse('unknown', `${command.scope} has no run ${command.key}`)
  const node = run.nodes[command.data.part]
  if (!node) return refuse('unknown-node', `Run ${command.key} has no node ${command.data.part}`)
  switch (command.type) {
    case 'run.start-node':
      return start(command.data, node)
    case 'run.beat-node': // Where retries, cancel and pause come in, they refuse a beat here.
      return holds(node, command.data) ? accept() : refuse('superseded', 'Another process executes this node')
    case 'run.report-node':
      return report(command.data, run, node)
  }
}

/** A higher delivery supersedes: the server delivers again only once the lease of the one before has run out. */
const start = (data: Execution & { readonly host: string }, node: Node) => {
  if (node.state === 'waiting') return refuse('not-scheduled', 'The nodes before it have not all succeeded')
  if (data.attempt !== node.attempt) return refuse('old-attempt', `The node is at attempt ${node.attempt}`)
  switch (node.state) {
    case 'succeeded':
    case 'failed':
    case 'skipped':
      return refuse('ended', `The node has ${node.state} already`)
    case 'running':
      if (holds(node, data)) return accept<RunEvent>()
      if (data.delivery <= node.delivery) return refuse('superseded', 'Another process executes this node')
      break
    case 'scheduled':
      break
  }
  const { part, attempt, delivery, instance, host } = data
  return accept<RunEvent>({ type: 'run.node-started', data: { part, attempt, delivery, instance, host } })
}

const report = (data: Extract<RunCommand, { type: 'run.report-node' }>['data'], run: Run, node: Node) => {
  const { part, attempt, delivery, instance, result } = data
  const execution = { part, attempt, delivery, instance }
  if (!isOf(node, data) || node.state !== 'running') {
    if (isOf(node, data) && node.outcome === result.outcome) return accept<RunEvent>()
    const reason = node.state === 'running' ? 'another process executes the node' : `the node is ${node.state}`
    if (run.ignored.includes(nameOf(execution)))
      return refuse(node.state === 'running' ? 'superseded' : 'ended', reason)
    return accept<RunEvent>({ type: 'run.report-ignored', data: { ...execution, reported: result.outcome, reason } })
  }
  const event: RunEvent =
    result.outcome === 'succeeded'
      ? {
          type: 'run.node-succeeded',
          data: { ...execution, ...(result.message !== undefined && { message: result.message }) },
        }
      : { type: 'run.node-failed', data: { ...execution, how: result.outcome, reason: result.reason } }
  return accept<RunEvent>(event, ...consequencesOf(evolve(run, event)))
}

/** What follows once something has changed: nodes that can be executed now, nodes that never will, the run's end. */
export const consequencesOf = (run: Run): RunEvent[] => {
  const events: RunEvent[] = []
  let now = run
  const record = (event: RunEvent) => {
    events.push(event)
    now = evolve(now, event)
  }
  for (let changed = true; changed; ) {
    changed = false
    for (const [part, node] of Object.entries(now.nodes)) {
      if (node.state !== 'waiting') continue
      const because = node.after.find((before) => ['failed', 'skipped'].includes(now.nodes[before]?.state ?? ''))
      const ready = node.after.every((before) => now.nodes[before]?.state === 'succeeded')
      if (because) {
        const reason = `${because} ${now.nodes[because]?.state === 'failed' ? 'did not succeed' : 'was skipped'}`
        record({ type: 'run.node-skipped', data: { part, because, reason } })
      } else if (ready) record({ type: 'run.node-scheduled', data: { part, attempt: node.attempt + 1 } })
      changed ||= because !== undefined || ready
    }
  }
  const nodes = Object.entries(now.nodes)
  if (nodes.some(([, { state }]) => ['waiting', 'scheduled', 'running'].includes(state))) return events
  const failed = nodes.filter(([, { state }]) => state === 'failed').map(([part]) => part)
  record(failed.length > 0 ? { type: 'run.failed', data: { failed } } : { type: 'run.succeeded', data: {} })
  return events
}

/** A run's first events: that it begins, and what can be executed at once. */
export const firstEventsOf = (planned: Extract<RunEvent, { type: 'run.planned' }>): RunEvent[] => [
  planned,
  ...consequencesOf(evolve(initial, planned)),
]

const turn = (run: Run, part: string, change: Partial<Node>): Run => {
  const node = run.nodes[part]
  return node ? { ...run, nodes: { ...run.nodes, [part]: { ...node, ...change } } } : run
}

const isExecuted = (kind: string): boolean => kind === 'action' || kind === 'unknown'

/** Whether this execution is the one that the node was last started as. */
const isOf = (node: Node, { attempt, delivery, instance }: Execution): boolean =>
  node.attempt === attempt && node.delivery === delivery && node.instance === instance

const holds = (node: Node, execution: Execution): boolean => node.state === 'running' && isOf(node, execution)

const nameOf = ({ part, attempt, delivery, instance }: Execution): string =>
  [part, attempt, delivery, instance].join(' ')

/** A run: decides which node is executed when, and how it ends. */
export const run: RunDecider = { aggregate: 'run', initial, evolve, decide }
