import { describe, expect, test } from 'vitest'
import { dueInExperiments } from '#agents/experiments/due-in-experiments'
import { runStep } from '#agents/experiments/run-step'
import type { Recorded } from '#contracts/envelope'
import { experimentEvents } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { expire, node, resource, retry, running, succeeded } from './stages.ts'
import {
  cancelRun,
  created,
  initiate,
  madeBy,
  markReady,
  moveToTestbed,
  run,
  story,
  submit,
  submitPartial,
  terminate,
} from './story.ts'

type Story = ReturnType<typeof story>

const [minute, hour] = [60_000, 3_600_000]
const address = { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }

/** An event as the log has it, and when it is looked at again: milliseconds after it was stored. */
const due = (told: Story, type: 'experiment.step-started' | 'experiment.run-cancel-begun') => {
  const event = told.events.findLast((one) => one.type === type)
  const delay = experimentEvents[type].delay as (data: unknown) => number | undefined
  const asked = dueInExperiments({ ...event, address, version: 1 } as Recorded)
  return { after: delay(event?.data), asked }
}

describe('what is looked at again', () => {
  test.each([1, 1.5, 12])('a run of %s h ten minutes after its hours, and two for all else, are over', (hours) => {
    const told = story().must('carol', created({ resource: { ...resource, sites: ['north'], hours } }))
    told.must('carol', initiate).take('fetch').take('ship').take('build').must('olga', moveToTestbed())
    told.take('deliver').must('olga', markReady).must('olga', run).take('probe')
    const scheduled = told.lastAsked('run')
    expect([scheduled.duration, scheduled.timeout]).toEqual([hours * hour, (hours + 2) * hour])
    told.begin('run')
    expect(told.events.at(-1)?.data).toMatchObject({ duration: hours * hour, timeout: (hours + 2) * hour })
    expect(due(told, 'experiment.step-started')).toEqual({
      after: (hours + 2) * hour + 10 * minute,
      asked: { address, type: 'experiment.expire-step', data: told.executionOf(scheduled) },
    })
  })

  test('a run whose duration was lost is not begun', async () => {
    const { duration: _, ...step } = running().lastAsked('run')
    await expect(runStep({} as never)({ id: 'rover-1', step } as never)).rejects.toMatchObject({
      ...{ code: 'step.missing', message: `Nobody has said how long rover-1 may run on ${node}: run it again` },
    })
  })

  test('no other step is', () => {
    const told = story().must('carol', created()).must('carol', initiate)
    for (const step of ['fetch', 'ship', 'build'] as const) {
      told.begin(step)
      expect([step, due(told, 'experiment.step-started').after]).toEqual([step, undefined])
      told.end(step, { outcome: 'succeeded', made: madeBy(step) })
      expect(told.lastAsked(step).duration).toBeUndefined()
    }
  })

  test('a run that was told to stop is a quarter of an hour later, and is over then', () => {
    const told = running().must('carol', cancelRun)
    const { after, asked } = due(told, 'experiment.run-cancel-begun')
    expect([after, asked]).toEqual([
      15 * minute,
      { address, type: 'experiment.settle', data: { attempt: 1, nodes: [node] } },
    ])
    told.must('portal', asked as unknown as ExperimentCommand)
    expect(told.known().parts[node]?.run).toMatchObject({
      state: 'cancelled',
      reason: expect.stringContaining('north'),
    })
    expect(told.ask('portal', asked as unknown as ExperimentCommand)).toEqual({ accepted: true, events: [] })
  })

  test('a run that has ended by then stays as it is', () => {
    const told = running()
    const { asked } = due(told, 'experiment.step-started')
    told.end('run', succeeded)
    expect(told.ask('portal', asked as unknown as ExperimentCommand)).toEqual({ accepted: true, events: [] })
  })

  test('and nothing else is', () => {
    const told = running().end('run', succeeded)
    expect(
      told.events.flatMap((event) => dueInExperiments({ ...event, address, version: 1 } as Recorded) ?? []),
    ).toHaveLength(told.events.filter(({ type }) => type === 'experiment.step-started').length)
  })
})

describe('a run of which nothing is heard', () => {
  test('has failed once its time is over, and what its node says later is taken all the same', () => {
    const told = running()
    told.must('portal', expire(told))
    expect(told.known().parts[node]?.run).toMatchObject({ state: 'failed', silent: true })
    const beat: ExperimentCommand = {
      type: 'experiment.beat-step',
      data: told.executionOf(told.lastAsked('run')),
    }
    expect(told.ask('north', beat)).toMatchObject({ accepted: true })
    told.end('run', succeeded).take('collect').must('olga', submit)
    expect(told.known().parts[node]?.run).toMatchObject({ state: 'succeeded', silent: undefined })
  })

  test('is begun again by its node under a higher delivery, as the same try', () => {
    const told = running()
    told.must('portal', expire(told))
    const again = { ...told.executionOf(told.lastAsked('run'), 2), host: 'north' }
    told.must('north', { type: 'experiment.start-step', data: again })
    expect(told.known().parts[node]?.run).toMatchObject({ state: 'running', try: 1, run: 1, delivery: 2 })
  })

  test('is told to stop where it was retried or terminated meanwhile, and changes nothing', () => {
    for (const [goOn, refusal] of [
      [(told: Story) => told.must('olga', retry(node, 'run')), 'ended'],
      [(told: Story) => told.must('olga', terminate), 'old-attempt'],
    ] as const) {
      const told = running()
      const old = told.executionOf(told.lastAsked('run'))
      told.must('portal', expire(told))
      goOn(told)
      const before = told.known()
      expect(told.ask('north', { type: 'experiment.beat-step', data: old })).toMatchObject({ refusal })
      expect(
        told.ask('north', { type: 'experiment.start-step', data: { ...old, delivery: 2, host: 'north' } }),
      ).toMatchObject({ refusal })
      told.must('north', { type: 'experiment.report-step', data: { ...old, result: succeeded } })
      expect(told.events.at(-1)?.type).toBe('experiment.report-ignored')
      expect({ ...told.known(), ignored: [] }).toEqual({ ...before, ignored: [] })
    }
  })

  test('is over where its site was submitted without it', () => {
    const two = { ...resource, count: 2, sites: ['north'] }
    const [first, second] = ['north/one', 'north/two']
    const told = story()
      .must('carol', created({ resource: two }))
      .must('carol', initiate)
      .take('fetch')
      .take('ship')
    told.take('build').must('olga', moveToTestbed(first, second)).take('deliver', first).take('deliver', second)
    told.must('olga', markReady).must('olga', run).take('probe').take('run', first).take('collect', first)
    told.begin('run', second)
    const old = told.executionOf(told.lastAsked('run', second))
    told.must('portal', { type: 'experiment.expire-step', data: old }).must('olga', submitPartial)
    const again = { ...old, delivery: 2, host: 'north' }
    expect(told.ask('north', { type: 'experiment.beat-step', data: old })).toMatchObject({ refusal: 'ended' })
    expect(told.ask('north', { type: 'experiment.start-step', data: again })).toMatchObject({ refusal: 'ended' })
    told.must('north', { type: 'experiment.report-step', data: { ...old, result: succeeded } })
    expect(told.events.at(-1)?.type).toBe('experiment.report-ignored')
  })
})
