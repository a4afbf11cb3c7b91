import { endNodeOf } from '#agents/experiments/end-node'
import { experimentDecider } from '#agents/experiments/experiment'
import { addressOfNode } from '#agents/experiments/place-nodes'
import type { Also, Commanded, Near } from '#bus/decider'
import type { Recorded } from '#contracts/envelope'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { initial } from '#contracts/experiment-evolve'
import type { Made, ScheduledStep, StepExecution, StepName } from '#contracts/experiment-parts'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { type Policy, policy as policyShape } from '#contracts/portal'
import { type Address, historyOf } from '#contracts/subjects'

/** Two sites, one with two rovers, and everybody there is. */
export const policy: Policy = policyShape.parse({
  administrators: ['ada'],
  operators: ['olga', 'oleg'],
  projects: {
    rover: { members: ['carol', 'emil', 'mia'] },
    strict: { members: ['carol'], approval: true },
  },
  portal: ['portal'],
  gitHosts: ['git.example'],
  sites: {
    north: {
      server: 'north',
      nodes: { one: { type: 'Rover', capabilities: ['lidar'], agent: 'rover-one' }, two: { type: 'Rover' } },
    },
    south: { server: 'south', builder: 'command', nodes: { three: { type: 'Drone' }, four: { type: 'Rover' } } },
  },
})

/** The same with a second administrator, and with two people who are more than one thing. */
const everybody: Policy = {
  ...policy,
  administrators: ['ada', 'abe'],
  operators: [...policy.operators, 'mona', 'emma'],
  projects: {
    ...policy.projects,
    rover: { members: ['carol', 'emil', 'emma', 'mia', 'mona'], approval: false },
  },
}

export const decider = experimentDecider(() => everybody)

export const manifest = 'c'.repeat(64)
export const results = { manifest, files: 2, bytes: 10, refused: 0, partial: false }

export const created = (more: Partial<Extract<ExperimentCommand, { type: 'experiment.create' }>['data']> = {}) =>
  ({
    type: 'experiment.create',
    data: {
      name: 'Sampling',
      description: '',
      source: { link: 'https://git.example/carol/sampling.git' },
      resource: { nodeType: 'Rover', capabilities: [], count: 1, sites: ['north'], hours: 1 },
      cloudLink: { kind: 'directory', path: 'carol' },
      ...more,
    },
  }) as const satisfies ExperimentCommand

/** What git would take for an option, for a program to run, or for a file of its own machine. */
export const hostileLinks = [
  '--upload-pack=/tmp/taken',
  'ext::/tmp/taken',
  'ext::sh -c touch% /tmp/taken',
  ';rm',
  'https://git.example/a.git;rm',
  'file:///etc',
] as const

/** What a step makes where it succeeds. */
export const madeBy = (step: StepName): Made => {
  switch (step) {
    case 'fetch':
      return { step, commit: 'a'.repeat(40), files: 1, bytes: 1 }
    case 'build':
      return { step, image: `127.0.0.1:5000/rover-1@sha256:${'b'.repeat(64)}`, compose: 'services: {}' }
    case 'run':
      return { step, exitCode: 0, results }
    case 'pull':
      return { step, files: 2, bytes: 10 }
    case 'upload':
      return { step, to: 'directory carol', files: 2, bytes: 10 }
    default:
      return { step }
  }
}

/** End nodes as their own events tell, for experiments that want the same ones. */
export const fleet = () => {
  const recorded = new Map<string, Recorded[]>()
  const eventsOf = (address: Address): Recorded[] => {
    const name = historyOf(address)
    const events = recorded.get(name) ?? []
    recorded.set(name, events)
    return events
  }
  const near = (address: Address): Near => {
    const events = eventsOf(address)
    return { address, events: [...events], version: events.length }
  }
  return {
    near,
    record: ({ address, expectedVersion, events }: Also): void => {
      const known = eventsOf(address)
      if (expectedVersion !== known.length) throw new Error(`${historyOf(address)} is at ${known.length}`)
      for (const event of events) {
        const sequence = known.length + 1
        const about = { id: `${sequence}`, version: 1, source: 'portal', time: '', principal: 'olga' }
        const cause = { correlationId: '', causationId: '', position: `log.${sequence}`, sequence, storedAt: 0 }
        known.push({ ...event, ...about, ...cause, address })
      }
    },
    /** The experiment that has a node. */
    ownerOf: (part: string): string | undefined => endNodeOf(eventsOf(addressOfNode(part))).experiment,
  }
}

/** An experiment that is told what to do, and told what came of it; it keeps what is to be done next. */
export const story = (key = 'rover-1', scope = 'rover', decide = decider, nodes = fleet()) => {
  let now: Experiment = initial
  const events: ExperimentEvent[] = []
  /** Who asked for what each event records. */
  const principals: string[] = []
  const asks: { readonly principal: string; readonly command: ExperimentCommand }[] = []
  const asked: ScheduledStep[] = []

  const ask = (principal: string, command: ExperimentCommand, id = `${events.length}`) => {
    const commanded = { ...command, id, key, scope, principal, at: 0 } as Commanded<ExperimentCommand>
    const near = (decide.near?.(commanded, now) ?? []).map(nodes.near)
    const decision = decide.decide(commanded, now, near)
    if (!decision.accepted) return decision
    asks.push({ principal, command })
    for (const also of decision.also ?? []) nodes.record(also)
    for (const event of decision.events) {
      now = decide.evolve(now, { ...event, position: `log.${events.length + 1}`, principal, storedAt: 0 })
      events.push(event)
      principals.push(principal)
      if ('next' in event.data) asked.push(...event.data.next)
    }
    return decision
  }

  /** Asks, and breaks where it is refused. */
  const must = (principal: string, command: ExperimentCommand) => {
    const decision = ask(principal, command)
    if (!decision.accepted) throw new Error(`${command.type}: ${decision.detail}`)
    return told
  }

  const executionOf = ({ part, step, agent, attempt, try: tries }: ScheduledStep, delivery = 1): StepExecution => ({
    ...{ part, step, agent, attempt },
    ...{ try: tries, delivery, instance: `instance of ${agent}` },
  })

  /** The last time that a step of this name was asked for, of this part where it is named. */
  const lastAsked = (step: StepName, part?: string): ScheduledStep => {
    const found = asked.findLast((one) => one.step === step && (part === undefined || one.part === part))
    if (!found) throw new Error(`Nobody has asked for ${step}`)
    return found
  }

  const takerOf = (part: string): string => {
    const [site = ''] = part.split('/')
    return site === 'portal' ? 'portal' : site
  }

  const begin = (step: StepName, part?: string) => {
    const scheduled = lastAsked(step, part)
    return must(takerOf(scheduled.part), {
      type: 'experiment.start-step',
      data: { ...executionOf(scheduled), host: takerOf(scheduled.part) },
    })
  }

  const end = (
    step: StepName,
    result: Extract<ExperimentCommand, { type: 'experiment.report-step' }>['data']['result'],
    part?: string,
  ) => {
    const scheduled = lastAsked(step, part)
    return must(takerOf(scheduled.part), {
      type: 'experiment.report-step',
      data: { ...executionOf(scheduled), result },
    })
  }

  const told = {
    ask,
    must,
    begin,
    end,
    events,
    principals,
    asks,
    asked,
    executionOf,
    lastAsked,
    state: (): Experiment => now,
    known: (): KnownExperiment => {
      if (now.status === 'unknown') throw new Error('It is not known')
      return now
    },
    /** Takes a step from its beginning to its end. */
    take: (step: StepName, part?: string) => {
      begin(step, part)
      return end(step, { outcome: 'succeeded', made: madeBy(step) }, part)
    },
    fail: (step: StepName, part?: string) => {
      begin(step, part)
      return end(step, { outcome: 'failed', reason: 'it broke' }, part)
    },
  }
  return told
}

export const initiate: ExperimentCommand = { type: 'experiment.initiate', data: {} }
export const terminate: ExperimentCommand = { type: 'experiment.terminate', data: { reason: 'wrong branch' } }
export const moveToTestbed = (...nodes: readonly string[]): ExperimentCommand => ({
  type: 'experiment.move-to-testbed',
  data: { nodes: [...(nodes.length > 0 ? nodes : ['north/one'])] },
})
export const markReady: ExperimentCommand = { type: 'experiment.mark-ready', data: {} }
export const run: ExperimentCommand = { type: 'experiment.run', data: {} }
export const cancelRun: ExperimentCommand = { type: 'experiment.cancel-run', data: { reason: 'too loud' } }
export const submit: ExperimentCommand = { type: 'experiment.submit', data: { acceptPartial: false } }
export const submitPartial: ExperimentCommand = { type: 'experiment.submit', data: { acceptPartial: true } }
