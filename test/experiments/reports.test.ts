import { expect, test } from 'vitest'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { subStateOf } from '#contracts/experiment-standing'
import { atBoth, node, other, running, site, succeeded } from './stages.ts'
import { cancelRun, created, initiate, madeBy, markReady, moveToTestbed, run, story, terminate } from './story.ts'

type Story = ReturnType<typeof story>
type Result = Extract<ExperimentCommand, { type: 'experiment.report-step' }>['data']['result']

const building = () =>
  story().must('carol', created()).must('carol', initiate).take('fetch').take('ship').begin('build')
const same = { accepted: true, events: [] }
const report = (told: Story, step: 'build' | 'run', result: Result): ExperimentCommand => ({
  type: 'experiment.report-step',
  data: { ...told.executionOf(told.lastAsked(step)), result },
})

test.each(['failed', 'errored'] as const)('a step that %s is told apart from others', (outcome) => {
  const told = building().end('build', { outcome, reason: 'x' })
  expect(told.events.at(-1)).toMatchObject({ type: 'experiment.step-failed', data: { how: outcome } })
})

test('whatever stops by itself has broken, and is not cancelled', () => {
  for (const told of [building(), running()]) {
    const step = told.asked.at(-1)?.step as 'build' | 'run'
    told.end(step, { outcome: 'cancelled', reason: 'killed' })
    expect(told.events.at(-1)).toMatchObject({
      type: 'experiment.step-failed',
      data: { how: 'errored', reason: 'killed' },
    })
    expect(told.ask('north', report(told, step, { outcome: 'cancelled', reason: 'killed' }))).toEqual(same)
  }
  const told = running().must('carol', cancelRun).end('run', { outcome: 'cancelled', reason: 'told to' })
  expect(told.events.at(-1)).toMatchObject({ type: 'experiment.step-cancelled', data: { stopped: true } })
})

test('a report of something else than its step has made is refused', () => {
  const told = building()
  expect(told.ask('north', report(told, 'build', { outcome: 'succeeded', made: madeBy('ship') }))).toMatchObject({
    ...{ refusal: 'wrong-result', detail: 'made.step: expected build, as the step is, not ship' },
  })
})

test('a report is taken once, and ignored once', () => {
  const told = running().end('run', succeeded)
  expect(told.ask('north', report(told, 'run', succeeded))).toEqual(same)
  const failed = report(told, 'run', { outcome: 'failed', reason: 'x' })
  told.must('north', failed)
  expect(told.events.at(-1)).toMatchObject({ type: 'experiment.report-ignored', data: { reported: 'failed' } })
  expect(told.ask('north', failed)).toMatchObject({ refusal: 'ended' })
  const old = building()
  const late = report(old, 'build', { outcome: 'failed', reason: 'x' })
  old.must('carol', terminate).must('north', late)
  expect(old.events.at(-1)?.type).toBe('experiment.report-ignored')
  expect(old.ask('north', late)).toMatchObject({ refusal: 'old-attempt' })
})

test('a phase is recorded once', () => {
  const told = building()
  const turn = { ...told.executionOf(told.lastAsked('build')), phase: 'pushing' } as const
  told.must('north', { type: 'experiment.turn-step', data: turn })
  expect(told.known().parts[site]?.build?.phase).toBe('pushing')
  expect(told.ask('north', { type: 'experiment.turn-step', data: turn })).toEqual(same)
  expect(subStateOf(told.known(), site)).toEqual({ state: 'building' })
  // Why it does not go on is known as long as it is so.
  const stuck = { ...turn, reason: 'connection refused' }
  told.must('north', { type: 'experiment.turn-step', data: stuck })
  expect(subStateOf(told.known(), site)).toEqual({ state: 'building', reason: 'connection refused' })
  expect(told.ask('north', { type: 'experiment.turn-step', data: stuck })).toEqual(same)
  told.must('north', { type: 'experiment.turn-step', data: turn })
  expect(subStateOf(told.known(), site)).toEqual({ state: 'building' })
  const another = { ...turn, instance: 'another', phase: 'building' } as const
  expect(told.ask('north', { type: 'experiment.turn-step', data: another })).toMatchObject({
    ...{ refusal: 'superseded', detail: 'north takes this step' },
  })
})

test('what is to be settled of an attempt that is over is over with it', () => {
  const told = running().must('carol', cancelRun).end('run', { outcome: 'cancelled', reason: 'told to' })
  told.must('olga', terminate).must('carol', initiate).take('fetch').take('ship').take('build')
  told.must('olga', moveToTestbed(node)).take('deliver').must('olga', markReady).must('olga', run).take('probe')
  told.begin('run').must('carol', cancelRun)
  const settle = (attempt: number): ExperimentCommand => ({
    type: 'experiment.settle',
    data: { attempt, nodes: [node] },
  })
  expect(told.ask('portal', settle(1))).toEqual(same)
  expect(told.ask('portal', settle(2))).toMatchObject({ events: [{ type: 'experiment.step-cancelled' }] })
})

test('a build that failed and is handed over is another try; one that was not taken is the same', () => {
  const packaged: ExperimentCommand = { type: 'experiment.package', data: { site: 'south' } }
  const tries = (told: Story) => told.must('south', packaged).lastAsked('build', other).try
  expect(tries(atBoth().take('ship', other).fail('build', other))).toBe(2)
  expect(tries(atBoth().take('ship', site).take('ship', other).begin('build', other))).toBe(1)
})

test('a step is begun by one at a time: the next delivery supersedes, the same one does not', () => {
  const told = building()
  const begin = (delivery: number, instance: string): ExperimentCommand => ({
    type: 'experiment.start-step',
    data: { ...told.executionOf(told.lastAsked('build'), delivery), instance, host: instance },
  })
  const own = { ...told.executionOf(told.lastAsked('build')), host: 'north' }
  expect(told.ask('north', { type: 'experiment.start-step', data: own })).toEqual(same)
  expect(told.ask('north', begin(1, 'twin'))).toMatchObject({ refusal: 'superseded' })
  told.must('north', begin(3, 'next'))
  expect(told.ask('north', begin(2, 'late'))).toMatchObject({ refusal: 'superseded', detail: 'next takes this step' })
  expect(told.known().parts[site]?.build).toMatchObject({ state: 'running', delivery: 3, host: 'next' })
})

test('whoever takes a step is told to stop, or why nobody waits for it', () => {
  const told = running()
  const beat = (more: object = {}): ExperimentCommand => ({
    type: 'experiment.beat-step',
    data: { ...told.executionOf(told.lastAsked('run')), ...more },
  })
  expect(told.ask('north', beat())).toEqual(same)
  expect(told.ask('north', beat({ step: 'collect' }))).toMatchObject({
    ...{ refusal: 'ended', detail: 'Nobody has asked for this step' },
  })
  told.must('carol', cancelRun)
  expect(told.ask('north', beat())).toMatchObject({ refusal: 'cancelled', detail: 'too loud' })
  told.end('run', { outcome: 'cancelled', reason: 'told to' })
  expect(told.ask('north', beat())).toMatchObject({
    ...{ refusal: 'ended', detail: 'The step is not taken any longer: it was cancelled' },
  })
})

test('what is said of an earlier attempt is not taken for this one, though it has the same name', () => {
  const told = building()
  const old = told.executionOf(told.lastAsked('build'))
  told.must('carol', terminate).must('carol', initiate).take('fetch').take('ship').begin('build')
  expect(told.executionOf(told.lastAsked('build'))).toEqual({ ...old, attempt: 2 })
  expect(told.ask('north', { type: 'experiment.beat-step', data: old })).toMatchObject({ refusal: 'old-attempt' })
  told.must('north', { type: 'experiment.report-step', data: { ...old, result: { outcome: 'failed', reason: 'x' } } })
  expect(told.known().parts[site]?.build?.state).toBe('running')
})
