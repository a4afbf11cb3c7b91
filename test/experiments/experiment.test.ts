import { describe, expect, test } from 'vitest'
import { commandFrom } from '#bus/command'
import { ownerOf } from '#bus/handle'
import { memoryBus } from '#bus/memory'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { runOf, subStateOf } from '#contracts/experiment-standing'
import { eventsOf } from '../events.ts'
import { atBoth, far, node, other, resource, retry, running, runningAtBoth, site, succeeded } from './stages.ts'
import {
  cancelRun,
  created,
  decider,
  initiate,
  markReady,
  moveToTestbed,
  results,
  run,
  story,
  submit,
} from './story.ts'

describe('an experiment at several sites', () => {
  test('goes on at one where another fails, and is as far as the one furthest behind', () => {
    const told = runningAtBoth()
    told.end('run', { outcome: 'failed', reason: 'exited with 3', results }, node).take('collect', node)
    told.end('run', succeeded, far).take('collect', far)
    expect([runOf(told.known(), 'north'), runOf(told.known(), 'south')]).toEqual(['failed', 'succeeded'])
    expect(subStateOf(told.known(), node)).toEqual({ state: 'cleaned', failed: 'run', reason: 'exited with 3' })
    expect(subStateOf(told.known(), far)).toEqual({ state: 'cleaned' })
    const atSouth: ExperimentCommand = { type: 'experiment.submit', data: { sites: ['south'], acceptPartial: false } }
    told.must('olga', atSouth).take('pull', other).take('upload', other)
    expect(told.ask('olga', submit)).toMatchObject({ refusal: 'failed' })
    told.must('olga', retry(node, 'run')).take('run', node).take('collect', node).must('olga', submit)
    expect(Object.values(told.known().sites).map(({ stage }) => stage)).toEqual(['submitted', 'submitted'])
  })

  test('builds at one site though another failed to, and is moved there alone', () => {
    const told = atBoth().take('ship', site).take('ship', other).fail('build', site).take('build', other)
    expect(told.ask('olga', moveToTestbed(node))).toMatchObject({ refusal: 'not-built' })
    told.must('olga', moveToTestbed(far)).take('deliver', far)
    told.must('olga', retry(site, 'build')).take('build', site).must('olga', moveToTestbed(node))
    expect(told.known().sites.north?.nodes).toEqual([node])
  })

  test('gets a new link for what could not be uploaded, though the rest is home', () => {
    const told = runningAtBoth()
    for (const part of [node, far]) told.end('run', succeeded, part).take('collect', part)
    told.must('olga', submit).take('pull', site).take('pull', other).take('upload', site).begin('upload', other)
    const link: ExperimentCommand = {
      type: 'experiment.set-cloud-link',
      data: { cloudLink: { kind: 'directory', path: 'later' } },
    }
    expect(told.ask('carol', link)).toMatchObject({ refusal: 'submitted' })
    told.end('upload', { outcome: 'failed', reason: 'the link has expired' }, other).must('carol', link)
    told.must('olga', retry(other, 'upload')).take('upload', other)
  })
})

describe('who builds', () => {
  const packaged: ExperimentCommand = { type: 'experiment.package', data: { site: 'south' } }

  test('hands over to the site server once, and what it says itself is ignored from then on', () => {
    const told = atBoth().take('ship', other).begin('build', other)
    const told1 = told.executionOf(told.lastAsked('build', other))
    told.must('south', packaged)
    expect(told.lastAsked('build', other)).toMatchObject({ agent: 'site-server', try: 1 })
    expect(told.ask('portal', { type: 'experiment.beat-step', data: told1 })).toMatchObject({ refusal: 'ended' })
    const late = {
      type: 'experiment.report-step',
      data: { ...told1, result: { outcome: 'failed', reason: 'x' } },
    } as const
    expect(told.ask('portal', late)).toMatchObject({ events: [{ type: 'experiment.report-ignored' }] })
    expect(told.ask('south', packaged)).toEqual({ accepted: true, events: [] })
    told.take('build', other)
    expect(told.ask('south', packaged)).toEqual({ accepted: true, events: [] })
  })

  test('has nothing to hand over before the code is there', () => {
    expect(atBoth().ask('south', packaged)).toMatchObject({ refusal: 'not-shipped' })
    expect(atBoth().ask('north', packaged)).toMatchObject({ refusal: 'not-allowed' })
  })
})

describe('a retry', () => {
  test('is counted as a try of its step, and of a run as the next run', () => {
    const told = running().end('run', { outcome: 'failed', reason: 'x' })
    for (const times of [2, 3]) {
      told.must('olga', retry(node, 'run'))
      expect(told.lastAsked('run')).toMatchObject({ try: times, run: times })
      told.fail('run')
    }
    expect(told.must('olga', run).known().run).toBe(4)
  })

  test('of a run waits until what it has left is brought to its site', () => {
    const told = running().end('run', { outcome: 'failed', reason: 'x', results })
    expect(told.ask('olga', retry(node, 'run'))).toMatchObject({ refusal: 'under-way' })
    told.take('collect').must('olga', retry(node, 'run'))
    expect(subStateOf(told.known(), node)).toEqual({ state: 'running' })
  })
})

describe('before an experiment begins', () => {
  test('it is approved where its project asks for that, and once more where it changes', () => {
    const told = story('strict-1', 'strict').must('carol', created())
    expect(told.ask('carol', initiate)).toMatchObject({ refusal: 'not-approved' })
    told.must('ada', { type: 'experiment.decline', data: { reason: 'too fast' } })
    expect(told.ask('carol', initiate)).toMatchObject({ refusal: 'declined' })
    told.must('carol', { type: 'experiment.update', data: { resource: { ...resource, hours: 2 } } })
    expect(told.ask('carol', initiate)).toMatchObject({ refusal: 'not-approved' })
    told.must('ada', { type: 'experiment.approve', data: { reason: '' } }).must('carol', initiate)
    const clone = story('strict-2', 'strict').must('carol', created({ cloneOf: 'strict-1' }))
    expect(clone.ask('carol', initiate)).toMatchObject({ refusal: 'not-approved' })
  })

  test('it needs a cloud link only to be run, and is told where that is to be set', () => {
    const { cloudLink: _, ...data } = created().data
    const told = story().must('carol', { type: 'experiment.create', data }).must('carol', initiate).take('fetch')
    told.take('ship').take('build').must('olga', moveToTestbed()).take('deliver').must('olga', markReady)
    expect(told.ask('olga', run)).toMatchObject({ refusal: 'no-cloud-link' })
  })
})

test('every command that is delivered a second time gets its first answer, and records nothing', async () => {
  const told = running()
  told.must('carol', cancelRun).end('run', { outcome: 'cancelled', reason: 'told to', results }).take('collect')
  told.must('olga', run).take('probe').take('run').take('collect').must('olga', submit).take('pull').take('upload')
  told.must('carol', { type: 'experiment.archive', data: {} })
  const bus = memoryBus({ principal: 'portal' })
  const owner = ownerOf(bus, decider)
  const address = { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }
  for (const { principal, command } of told.asks) {
    const asked = commandFrom({ ...command, address }, principal)
    const first = await owner.handle(address, asked)
    const recorded = (await eventsOf(bus)).length
    expect(first).toMatchObject({ accepted: true })
    const again = await owner.handle(address, asked)
    expect({ ...again, position: '' }).toEqual({ ...first, position: '' })
    expect([command.type, (await eventsOf(bus)).length]).toEqual([command.type, recorded])
  }
  const { state } = await owner.current(address)
  if (state.status === 'unknown') throw new Error('It is not known')
  const deeds = Object.fromEntries(Object.entries(state.deeds).map(([name, one]) => [name, { ...one, at: 0 }]))
  expect({ ...state, deeds }).toEqual(told.known())
  await bus.close()
})
