import type { ExperimentCommand } from '#contracts/experiment-commands'
import type { StepName } from '#contracts/experiment-parts'
import { created, decider, fleet, initiate, madeBy, markReady, moveToTestbed, run, story } from './story.ts'

type Story = ReturnType<typeof story>

export const resource = { nodeType: 'Rover', capabilities: [], count: 1, sites: ['north', 'south'], hours: 1 }
export const [site, other, node, far] = ['north/self', 'south/self', 'north/one', 'south/four']

export const atBoth = (told = story()): Story =>
  told.must('carol', created({ resource })).must('carol', initiate).take('fetch')
export const builtAtBoth = (told = story()) =>
  [site, other].reduce((all, part) => all.take('ship', part).take('build', part), atBoth(told))
export const readyAtBoth = (told = story()) =>
  [node, far]
    .reduce((all, part) => all.take('deliver', part), builtAtBoth(told).must('olga', moveToTestbed(node, far)))
    .must('olga', markReady)
export const runningAtBoth = () => {
  const told = readyAtBoth().must('olga', run).take('probe', site).take('probe', other)
  return told.begin('run', node).begin('run', far)
}
export const running = (key?: string, nodes = fleet()) => {
  const told = story(key, 'rover', decider, nodes).must('carol', created()).must('carol', initiate).take('fetch')
  told.take('ship').take('build').must('olga', moveToTestbed(node)).take('deliver').must('olga', markReady)
  return told.must('olga', run).take('probe').begin('run')
}
export const retry = (part: string, step: StepName): ExperimentCommand => ({
  type: 'experiment.retry',
  data: { part, step },
})
export const expire = (told: Story, part = node): ExperimentCommand => ({
  type: 'experiment.expire-step',
  data: told.executionOf(told.lastAsked('run', part)),
})
export const succeeded = { outcome: 'succeeded', made: madeBy('run') } as const
