import { expect, test } from 'vitest'
import { experimentDecider } from '#agents/experiments/experiment'
import { portalDecider } from '#agents/experiments/portal'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { node, readyAtBoth, retry, running, site } from './stages.ts'
import { states } from './standings.ts'
import { created, initiate, markReady, policy, results, story, submit, submitPartial, terminate } from './story.ts'

const approve: ExperimentCommand = { type: 'experiment.approve', data: { reason: '' } }
const decline: ExperimentCommand = { type: 'experiment.decline', data: { reason: 'too fast' } }
const same = { accepted: true, events: [] }

test.each(['boat-1', 'rover', 'rover-A', 'rover-', 'rover-1-'])('%s is no id of an experiment of rover', (key) => {
  expect(story(key, 'rover').ask('carol', created())).toMatchObject({ refusal: 'bad-id' })
})

test('what has been begun is neither approved nor declined any more', () => {
  const told = story('strict-1', 'strict').must('carol', created()).must('ada', approve).must('carol', initiate)
  for (const command of [approve, decline]) expect(told.ask('ada', command)).toMatchObject({ refusal: 'begun' })
})

test('what is set to what it is records nothing', () => {
  const told = story().must('carol', created())
  const people = (...experimenters: string[]) =>
    ({ type: 'experiment.set-experimenters', data: { experimenters } }) as const
  told.must('carol', people('emil', 'mia'))
  expect(told.ask('carol', people('mia', 'emil'))).toEqual(same)
  const cloudLink = { kind: 'directory', path: 'carol' } as const
  const link: ExperimentCommand = { type: 'experiment.set-cloud-link', data: { cloudLink } }
  expect(told.ask('carol', link)).toEqual(same)
})

test('an experiment is not terminated while results of one of its sites are on their way home', () => {
  const told = readyAtBoth()
  const sites = { sites: ['north'] }
  told.must('olga', { type: 'experiment.run', data: sites }).take('probe', site).take('run', node).take('collect', node)
  told.must('olga', { type: 'experiment.submit', data: { ...sites, acceptPartial: false } }).begin('pull', site)
  expect(told.ask('olga', terminate)).toMatchObject({
    ...{ refusal: 'under-way', detail: 'The results of rover-1 at north are on their way home' },
  })
})

test('what is to run is not ready while it is being delivered, or where that has failed', () => {
  const told = (state: string) => states[state]?.[0]().ask('olga', markReady)
  expect(told('delivering')).toMatchObject({ detail: expect.stringMatching(/is being delivered to .*: try again in/) })
  expect(told('delivery failed')).toMatchObject({
    detail: expect.stringMatching(/could not be delivered to .*: retry/),
  })
})

test('a run that was cancelled is told so, with who has cancelled it', () => {
  const told = (state: string) => states[state]?.[0]().ask('olga', submit)
  expect(told('run cancelled')).toMatchObject({
    detail: expect.stringMatching(/^The last run at north was cancelled by \w+ at 00:00 UTC: run it again$/),
  })
  expect(told('run failed')).toMatchObject({ detail: 'The last run at north failed: retry, or run it again' })
  expect(told('run failed with results')).toMatchObject({
    detail: 'The last run at north failed: accept its partial results (--accept-partial), or retry, or run it again',
  })
})

test('a creator who is no member any more is told that it takes that as well', () => {
  const members = ['dave']
  const decide = experimentDecider(() => ({ ...policy, projects: { rover: { members, approval: false } } }))
  const told = story('rover-1', 'rover', decide).must('dave', created())
  members[0] = 'carol'
  expect(told.ask('dave', terminate)).toMatchObject({
    detail: expect.stringMatching(
      /an operator, and dave, who is its creator, is no member of the project rover any more$/,
    ),
  })
  expect(told.ask('carol', terminate)).toMatchObject({ detail: expect.stringMatching(/an operator$/) })
})

test('a run is not retried once its site is submitted', () => {
  const told = running().end('run', { outcome: 'failed', reason: 'x', results: { ...results, partial: true } })
  told.take('collect').must('olga', submitPartial)
  expect(told.ask('olga', retry(node, 'run'))).toMatchObject({
    ...{ refusal: 'submitted', detail: 'rover-1 is submitted at north: its runs are over' },
  })
})

test('what is taken home once more is of the same run', () => {
  const [make] = states['collection failed'] ?? []
  const told = make?.().must('olga', retry(node, 'collect'))
  expect(told?.lastAsked('collect')).toMatchObject({ try: 2, run: 1 })
  expect(told?.known().run).toBe(1)
})

test('a site that it is not at is none of its sites', () => {
  for (const type of ['experiment.mark-ready', 'experiment.run', 'experiment.submit'] as const) {
    const command = { type, data: { sites: ['north', 'east'], acceptPartial: false } } as ExperimentCommand
    expect([type, readyAtBoth().ask('olga', command)]).toMatchObject([
      type,
      { refusal: 'wrong-site', detail: 'rover-1 is not at east in this attempt' },
    ])
  }
})

const asked = { id: 'x', scope: 'all', at: 0 }

test('the portal is defined by itself alone, and recorded where it says something else', () => {
  const { decide } = portalDecider('portal')
  const define = (principal: string) =>
    decide({ ...asked, type: 'portal.define', key: 'self', principal, data: { policy } }, { policy }, [])
  expect(define('olga')).toMatchObject({ refusal: 'not-allowed' })
  expect(define('portal')).toEqual(same)
  const other = { ...policy, operators: [] }
  expect(
    decide(
      { ...asked, type: 'portal.define', key: 'self', principal: 'portal', data: { policy: other } },
      { policy },
      [],
    ),
  ).toMatchObject({ events: [{ type: 'portal.defined', data: { policy: other } }] })
})
