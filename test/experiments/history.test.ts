import { env } from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExperimentCommand } from '#contracts/experiment'
import { placeOfPart, type ScheduledStep, type StepExecution } from '#contracts/experiment-parts'
import { isOpen, openRun, stepOf, stepsOf } from '#contracts/experiment-standing'
import { type Experiment, evolve, initial, type KnownExperiment } from '#contracts/experiment-state'
import { slow } from '../processes.ts'
import { created, decider, fleet, madeBy, results, story } from './story.ts'

type Story = ReturnType<typeof story>

const parts = ['portal/self', 'north/self', 'north/one', 'north/two', 'south/self', 'south/four'] as const
const names = ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload'] as const
const people = ['ada', 'olga', 'carol', 'mia', 'portal', 'north', 'south', 'rover-one', 'nobody'] as const

/** What happens next: somebody asks for something, or a step is begun, reported, or found to be late. */
type Move =
  | { readonly kind: 'order'; readonly who: string | undefined; readonly command: ExperimentCommand }
  /** Things go on as they should: the step that waits is taken, or whoever is asked for presses the button. */
  | { readonly kind: 'go on' }
  | { readonly kind: 'step'; readonly which: number; readonly delivery: number; readonly how: string }

const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: ['north', 'south'], hours: 1 }
const reason = 'because'
const sites = fc.constantFrom<string[] | undefined>(undefined, ['north'], ['south'])

const commands: fc.Arbitrary<ExperimentCommand> = fc.oneof(
  fc.constant<ExperimentCommand>(created({ resource })),
  fc.constant<ExperimentCommand>({ type: 'experiment.initiate', data: {} }),
  fc.constant<ExperimentCommand>({ type: 'experiment.terminate', data: { reason } }),
  fc
    .subarray(['north/one', 'north/two', 'south/four'], { minLength: 1 })
    .map((nodes): ExperimentCommand => ({ type: 'experiment.move-to-testbed', data: { nodes } })),
  sites.map((sites): ExperimentCommand => ({ type: 'experiment.mark-ready', data: { sites } })),
  sites.map((sites): ExperimentCommand => ({ type: 'experiment.run', data: { sites } })),
  fc.constant<ExperimentCommand>({ type: 'experiment.cancel-run', data: { reason } }),
  fc
    .record({ sites, acceptPartial: fc.boolean() })
    .map((data): ExperimentCommand => ({ type: 'experiment.submit', data })),
  fc
    .record({ part: fc.constantFrom(...parts), step: fc.constantFrom(...names) })
    .map((data): ExperimentCommand => ({ type: 'experiment.retry', data })),
  fc.constantFrom('north', 'south').map((site): ExperimentCommand => ({ type: 'experiment.package', data: { site } })),
)

/** Mostly the one who may, so that histories get far. */
const whoMay: Readonly<Record<string, string>> = {
  ...{ create: 'carol', initiate: 'carol', terminate: 'olga', 'move-to-testbed': 'olga', 'mark-ready': 'olga' },
  ...{ run: 'olga', 'cancel-run': 'olga', submit: 'olga', retry: 'olga', package: 'north' },
}

const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      who: fc.option(fc.constantFrom(...people), { nil: undefined, freq: 6 }),
      command: commands,
    }),
  },
  { weight: 6, arbitrary: fc.constant<Move>({ kind: 'go on' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      // Mostly the last ones that were asked for; now and then one of long ago.
      which: fc.oneof({ weight: 5, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(30) }),
      delivery: fc.constantFrom(1, 1, 1, 2),
      how: fc.constantFrom(
        'start',
        'succeeded',
        'succeeded',
        'succeeded',
        'failed',
        'partial',
        'cancelled',
        'expire',
        'settle',
        'turn',
        'beat',
      ),
    }),
  },
)

const takerOf = (part: string): string => (placeOfPart(part).site === 'portal' ? 'portal' : placeOfPart(part).site)

const commandOf = (
  step: ScheduledStep,
  { delivery, how }: { delivery: number; how: string },
): [string, ExperimentCommand] => {
  const { part, agent, attempt, try: tries } = step
  const execution: StepExecution = {
    ...{ part, step: step.step, agent, attempt, try: tries },
    ...{ delivery, instance: `${agent} ${delivery}` },
  }
  const who = takerOf(part)
  const report = (result: Extract<ExperimentCommand, { type: 'experiment.report-step' }>['data']['result']) =>
    [who, { type: 'experiment.report-step', data: { ...execution, result } }] as [string, ExperimentCommand]
  switch (how) {
    case 'start':
      return [who, { type: 'experiment.start-step', data: { ...execution, host: who } }]
    case 'succeeded':
      return report({ outcome: 'succeeded', made: madeBy(step.step) })
    case 'failed':
      return report({ outcome: 'failed', reason })
    case 'partial':
      return report({ outcome: 'failed', reason, results: { ...results, partial: true } })
    case 'cancelled':
      return report({ outcome: 'cancelled', reason })
    case 'expire':
      return ['portal', { type: 'experiment.expire-step', data: execution }]
    case 'settle':
      return ['portal', { type: 'experiment.settle', data: { attempt, nodes: [part] } }]
    case 'turn':
      return [who, { type: 'experiment.turn-step', data: { ...execution, phase: 'running' } }]
    default:
      return [who, { type: 'experiment.beat-step', data: execution }]
  }
}

const known = (state: Experiment): KnownExperiment | undefined => (state.status === 'unknown' ? undefined : state)

/** What is to be asked next where no step is open. */
const nextOrders = (state: KnownExperiment): readonly (readonly [string, ExperimentCommand])[] => {
  if (Object.keys(state.sites).length === 0) return [['carol', { type: 'experiment.initiate', data: {} }]]
  return Object.entries(state.sites).flatMap(([site, { stage, hasRun }]): readonly [string, ExperimentCommand][] => {
    const sites = [site]
    switch (stage) {
      case 'development':
        return (site === 'north' ? ['north/one', 'north/two'] : ['south/four']).map((node) => [
          'olga',
          { type: 'experiment.move-to-testbed', data: { nodes: [node] } },
        ])
      case 'testbed':
        return [['olga', { type: 'experiment.mark-ready', data: { sites } }]]
      case 'ready':
        return hasRun
          ? [['olga', { type: 'experiment.submit', data: { sites, acceptPartial: true } }]]
          : [['olga', { type: 'experiment.run', data: { sites } }]]
      default:
        return []
    }
  })
}

const goOn = (told: Story): void => {
  const state = told.known()
  const open = told.asked.find(({ part, step, attempt, try: tries, agent }) => {
    const at = stepOf(state, part, step)
    return attempt === state.attempt && isOpen(at) && at?.try === tries && at.agent === agent
  })
  if (!open) {
    for (const [who, command] of nextOrders(state)) told.ask(who, command)
    return
  }
  const { state: is, delivery = 1 } = stepOf(state, open.part, open.step) ?? {}
  told.ask(...commandOf(open, { delivery: Math.max(1, delivery), how: is === 'running' ? 'succeeded' : 'start' }))
}

const make = (told: Story, move: Move): void => {
  const before = known(told.state())
  const count = told.events.length
  if (move.kind === 'order') {
    const { command } = move
    told.ask(move.who ?? whoMay[command.type.slice('experiment.'.length)] ?? 'olga', command)
    // The same once more: whatever it is answered, it is done already.
    const after = told.events.length
    if (after > count) told.ask(move.who ?? whoMay[command.type.slice('experiment.'.length)] ?? 'olga', command)
    expect(told.events.slice(after)).toEqual([])
  } else if (move.kind === 'go on') goOn(told)
  else {
    const step = told.asked.at(-1 - move.which)
    if (!step) return
    // Who reports has begun, or has been superseded.
    if (!['start', 'expire', 'settle'].includes(move.how)) told.ask(...commandOf(step, { ...move, how: 'start' }))
    told.ask(...commandOf(step, move))
    const after = told.events.length
    told.ask(...commandOf(step, move))
    expect(told.events.slice(after)).toEqual([])
  }
  for (const event of told.events.slice(count)) {
    // What is said of an attempt that is over is recorded as ignored, and changes nothing.
    if (before && 'attempt' in event.data && event.data.attempt !== before.attempt)
      expect(event.type).toBe('experiment.report-ignored')
    if (!before || !('next' in event.data)) continue
    for (const { part, step, attempt } of event.data.next) {
      expect(attempt).toBe(before.attempt)
      // Nothing runs on a node beside what runs there, or is being brought home from it.
      if (step === 'run' && event.type !== 'experiment.step-succeeded')
        expect(openRun(before, placeOfPart(part).site)).not.toContain(part)
    }
  }
}

/** What must hold of an experiment, whatever has happened. */
const holdsOf = (told: Story, key: string, nodes: ReturnType<typeof fleet>): void => {
  const state = known(told.state())
  if (!state) return
  for (const [site, { stage, nodes: own }] of Object.entries(state.sites)) {
    for (const node of own) expect([node, nodes.ownerOf(node) === key]).toEqual([node, stage !== 'submitted'])
    if (stage === 'submitted') expect(openRun(state, site)).toEqual([])
    for (const node of own) {
      const both = (['run', 'collect'] as const).filter((step) => isOpen(stepOf(state, node, step)))
      expect(both.length).toBeLessThan(2)
    }
    if (stage === 'development' || stage === 'idle') expect(own).toEqual([])
  }
  for (const { part, step } of stepsOf(state)) {
    const { try: tries = 0, run = 0 } = stepOf(state, part, step) ?? {}
    expect(tries).toBe(state.tries[`${part} ${step}`])
    expect(run).toBeLessThanOrEqual(state.run)
  }
}

const folded = (told: Story, events = told.events): Experiment =>
  events.reduce(
    (state: Experiment, event, at) => evolve(state, { ...event, principal: told.principals[at] ?? '' }),
    initial,
  )

const runs = slow ? 5_000 : 300

test('whatever is asked and reported, in whatever order, no run is open twice and no node has two experiments', () => {
  const seed = env.MILLRACE_SEED === undefined ? {} : { seed: Number(env.MILLRACE_SEED) }
  const one = fc.record({ whose: fc.constantFrom(0, 1), move: moves })
  const steps = { maxLength: 120, size: 'max' } as const
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.array(one, steps), (history) => {
      const nodes = fleet()
      const both = ['rover-1', 'rover-2'].map((key) => story(key, 'rover', decider, nodes))
      for (const told of both) {
        told.ask('carol', created({ resource }))
        told.ask('carol', { type: 'experiment.initiate', data: {} })
      }
      for (const { whose, move } of history) {
        const told = both[whose] as Story
        make(told, move)
        for (const [at, key] of ['rover-1', 'rover-2'].entries()) holdsOf(both[at] as Story, key, nodes)
      }
      for (const told of both) {
        // Read from the log it is the same, and any beginning of it is an experiment as well.
        const read = JSON.parse(JSON.stringify(told.events)) as Story['events']
        expect(JSON.parse(JSON.stringify(folded(told, read)))).toEqual(JSON.parse(JSON.stringify(told.state())))
        for (const { type, data } of told.events) seen.add('step' in data ? `${type} ${data.step}` : type)
      }
    }),
    { numRuns: runs, ...seed },
  )
  // Histories have come as far as that.
  for (const far of [
    'experiment.step-succeeded upload',
    'experiment.run-cancel-begun',
    'experiment.report-ignored run',
  ])
    expect([...seen]).toContain(far)
}, 300_000)
