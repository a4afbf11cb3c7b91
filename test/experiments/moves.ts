import fc from 'fast-check'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { placeOfPart, type ScheduledStep, type StepExecution } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'
import { created, madeBy, results } from './story.ts'

const parts = ['portal/self', 'north/self', 'north/one', 'north/two', 'south/self', 'south/four'] as const
const names = ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload'] as const
const people = ['ada', 'olga', 'carol', 'mia', 'portal', 'north', 'south', 'rover-one', 'nobody'] as const

/** What happens next: somebody asks for something, or a step is begun, reported, or found to be late. */
export type Move =
  | { readonly kind: 'order'; readonly who: string | undefined; readonly command: ExperimentCommand }
  /** Things go on as they should: the step that waits is taken, or whoever is asked for presses the button. */
  | { readonly kind: 'go on' }
  | { readonly kind: 'step'; readonly which: number; readonly delivery: number; readonly how: string }

export const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: ['north', 'south'], hours: 1 }
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
export const whoMay: Readonly<Record<string, string>> = {
  ...{ create: 'carol', initiate: 'carol', terminate: 'olga', 'move-to-testbed': 'olga', 'mark-ready': 'olga' },
  ...{ run: 'olga', 'cancel-run': 'olga', submit: 'olga', retry: 'olga', package: 'north' },
}

export const moves: fc.Arbitrary<Move> = fc.oneof(
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

export const commandOf = (
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

/** What is to be asked next where no step is open. */
export const nextOrders = (state: KnownExperiment): readonly (readonly [string, ExperimentCommand])[] => {
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
