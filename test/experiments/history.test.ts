import { env } from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Commanded } from '#bus/decider'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { evolve, initial } from '#contracts/experiment-evolve'
import { placeOfPart } from '#contracts/experiment-parts'
import { isOpen, isPulledInVain, openRun, stepOf, stepsOf } from '#contracts/experiment-standing'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { waitsOf } from '#contracts/experiment-waits'
import { slow } from '../processes.ts'
import { commandOf, type Move, moves, nextOrders, resource, whoMay } from './moves.ts'
import { created, decider, fleet, story } from './story.ts'

type Story = ReturnType<typeof story>

const known = (state: Experiment): KnownExperiment | undefined => (state.status === 'unknown' ? undefined : state)

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
    // Once it is submitted, what a node has left is brought to its site again only where it could not be brought home.
    const open = stage === 'submitted' ? openRun(state, site) : []
    if (!isPulledInVain(state, site)) expect(open).toEqual([])
    expect(open.filter((part) => !isOpen(stepOf(state, part, 'collect')))).toEqual([])
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

/** Whoever is asked for something is let do it as it is asked for, except where a person is to say more. */
const isLet = ({ known }: Story, key: string, nodes: ReturnType<typeof fleet>): void => {
  for (const { waitsFor, command, needs } of waitsOf(known())) {
    if (waitsFor !== 'operator' || !command || needs) continue
    const asked = { ...command, id: 'x', key, scope: 'rover', principal: 'olga', at: 0 } as Commanded<ExperimentCommand>
    const near = (decider.near?.(asked, known()) ?? []).map(nodes.near)
    expect([command, decider.decide(asked, known(), near)]).toMatchObject([command, { accepted: true }])
  }
}

const folded = (told: Story, events = told.events): Experiment =>
  events.reduce(
    (state: Experiment, event, at) => evolve(state, { ...event, principal: told.principals[at] ?? '', storedAt: 0 }),
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
        for (const [at, key] of ['rover-1', 'rover-2'].entries()) {
          holdsOf(both[at] as Story, key, nodes)
          isLet(both[at] as Story, key, nodes)
        }
      }
      for (const told of both) {
        // Read from the log it is the same, and any beginning of it is an experiment as well.
        const read = JSON.parse(JSON.stringify(told.events)) as Story['events']
        expect(JSON.parse(JSON.stringify(folded(told, read)))).toEqual(JSON.parse(JSON.stringify(told.state())))
        for (const { type, data } of told.events) seen.add('step' in data ? `${type} ${data.step}` : type)
      }
    }),
    // What fails is made smaller for as long as that, not for hours.
    { numRuns: runs, ...seed, plugins: [fc.interruptAfterTimeLimit(280_000, { failOnInterrupt: true })] },
  )
  // Many histories have come as far as that; a few may not have.
  if (!slow) return
  for (const far of [
    'experiment.step-succeeded upload',
    'experiment.run-cancel-begun',
    'experiment.report-ignored run',
  ])
    expect([...seen]).toContain(far)
}, 300_000)
