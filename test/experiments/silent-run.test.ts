import { describe, expect, test } from 'vitest'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { expire, node, resource, retry, running, succeeded } from './stages.ts'
import { created, initiate, markReady, moveToTestbed, run, story, submit, submitPartial, terminate } from './story.ts'

type Story = ReturnType<typeof story>

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
