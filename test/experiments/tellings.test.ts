import { expect, test } from 'vitest'
import { personDecider } from '#agents/notices/person'
import { concerned, tellings } from '#agents/notices/tellings'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import type { Preferences } from '#contracts/notification'
import { scenario } from '../agents/scenario.ts'
import { created, initiate, policy, results, story } from './story.ts'

const everything: Preferences = { occasions: ['waits-for-me', 'failed', 'finished', 'step'] }
const usual: Preferences = { occasions: ['waits-for-me', 'failed', 'finished'] }

type Story = ReturnType<typeof story>

/** Who is told what of the last event, each as `<who> <occasion>: <subject>`. */
const toldOf = (of: Story, { principal = 'portal', preferences = usual, scope = 'rover', key = 'rover-1' } = {}) => {
  const event = { ...of.events.at(-1)!, address: { aggregate: 'experiment', scope, key }, principal }
  const people = Object.fromEntries(concerned(of.known(), scope, policy).map((who) => [who, preferences]))
  return tellings(event, { experiment: of.known(), people, policy })
}
const linesOf = (...about: Parameters<typeof toldOf>) =>
  toldOf(...about).map(({ to, occasion, subject }) => `${to} ${occasion}: ${subject}`)

const shared = () => {
  const of = story().must('carol', created())
  return of.must('carol', { type: 'experiment.set-experimenters', data: { experimenters: ['emil'] } })
}
const built = () => shared().must('carol', initiate).take('fetch').take('ship').take('build')
const delivered = () =>
  built()
    .must('olga', { type: 'experiment.move-to-testbed', data: { nodes: ['north/one'] } })
    .take('deliver')
const ready = () => delivered().must('olga', { type: 'experiment.mark-ready', data: {} })
const running = () => {
  const of = ready().must('olga', { type: 'experiment.run', data: {} })
  return of.take('probe', 'north/self')
}
const finished = () => running().take('run').take('collect')

test('administrators are asked to approve, and its owners hear what came of it', () => {
  const of = story('strict-1', 'strict').must('carol', created())
  const about = { scope: 'strict', key: 'strict-1' }
  expect(linesOf(of, about)).toEqual(['ada waits-for-me: strict-1: It waits to be approved'])
  of.must('ada', { type: 'experiment.decline', data: { reason: 'too long' } })
  expect(linesOf(of, { ...about, principal: 'ada' })).toEqual([
    'carol waits-for-me: strict-1: ada has declined it: too long',
  ])
})

test.each([
  ['built', built, 'Its image is built at north'],
  ['delivered', delivered, 'It was delivered to north/one'],
  ['ready', ready, 'It is ready to be run at north'],
])('operators hear that it is %s, as that waits for them; its owners only if they asked for every step', (_, reach, what) => {
  const of = reach()
  expect(linesOf(of)).toEqual(['olga', 'oleg'].map((who) => `${who} waits-for-me: rover-1: ${what}`))
  expect(linesOf(of, { preferences: everything })).toEqual([
    ...['olga', 'oleg'].map((who) => `${who} waits-for-me: rover-1: ${what}`),
    ...['carol', 'emil'].map((who) => `${who} step: rover-1: ${what}`),
  ])
})

test('a run that has finished is told to its owners, and waits for operators', () => {
  expect(linesOf(finished())).toEqual([
    'olga waits-for-me: rover-1: Its run has finished at north',
    'oleg waits-for-me: rover-1: Its run has finished at north',
    'carol finished: rover-1: Its run has finished at north',
    'emil finished: rover-1: Its run has finished at north',
  ])
})

test('a step that has failed is told to its owners with the reason, and waits for operators', () => {
  const of = running()
  of.begin('run').end('run', { outcome: 'failed', reason: 'it was killed for memory', results })
  expect(linesOf(of)).toEqual([
    ...['olga', 'oleg'].map(
      (who) => `${who} waits-for-me: rover-1: Its run has failed at north/one: it was killed for memory`,
    ),
    ...['carol', 'emil'].map(
      (who) => `${who} failed: rover-1: Its run has failed at north/one: it was killed for memory`,
    ),
  ])
  of.take('collect')
  expect(linesOf(of)).toContain('carol failed: rover-1: Its run at north did not succeed')
})

test('an upload is told to its owners where the results are, or why they are not', () => {
  const submit: ExperimentCommand = { type: 'experiment.submit', data: { acceptPartial: false } }
  expect(linesOf(finished().must('olga', submit).take('pull').take('upload'))).toEqual([
    'carol finished: rover-1: Its results from north are at directory carol',
    'emil finished: rover-1: Its results from north are at directory carol',
  ])
  expect(linesOf(finished().must('olga', submit).take('pull').fail('upload'))).toEqual([
    ...['olga', 'oleg'].map(
      (who) => `${who} waits-for-me: rover-1: Uploading its results has failed at north: it broke`,
    ),
    ...['carol', 'emil'].map((who) => `${who} failed: rover-1: Uploading its results has failed at north: it broke`),
  ])
})

test('whoever has left the project, or works for the testbed no longer, is told nothing', () => {
  const of = finished()
  const event = { ...of.events.at(-1)!, address: { aggregate: 'experiment', scope: 'rover', key: 'rover-1' } }
  const about = { ...event, principal: 'portal' }
  const people = Object.fromEntries(['carol', 'emil', 'olga', 'oleg'].map((who) => [who, usual]))
  const toldBy = (more: Partial<typeof policy>) =>
    tellings(about, { experiment: of.known(), people, policy: { ...policy, ...more } }).map(({ to }) => to)
  expect(toldBy({}).toSorted()).toEqual(['carol', 'emil', 'oleg', 'olga'])
  const projects = { rover: { members: ['emil'], approval: false } }
  expect(toldBy({ projects, operators: ['olga'] }).toSorted()).toEqual(['emil', 'olga'])
  expect(toldBy({ projects: {} }).toSorted()).toEqual(['oleg', 'olga'])
})

test('nobody is told of a step that they took themselves, and whoever wants nothing hears nothing', () => {
  const of = shared().must('carol', initiate)
  expect(linesOf(of, { principal: 'carol', preferences: everything })).toEqual([
    'emil step: rover-1: carol has initiated its development',
  ])
  expect(linesOf(built(), { preferences: { occasions: [] } })).toEqual([])
})

test('a subject is one line, and a text is plain, whatever people have written', () => {
  const of = story('strict-1', 'strict').must('carol', created({ name: 'x\r\nBcc: all@example.org\u202e\u0007<b>' }))
  of.must('ada', {
    type: 'experiment.decline',
    data: { reason: `no\r\nBcc: all@example.org\u001b[2J${'!'.repeat(500)}` },
  })
  const [told] = toldOf(of, { principal: 'ada', scope: 'strict', key: 'strict-1' })
  expect(told?.subject).toMatch(/^strict-1: ada has declined it: no Bcc: all@example.org \[2J!+ …$/)
  expect(told?.subject.length).toBeLessThanOrEqual(200)
  expect(told?.text).toContain('Experiment strict-1, x Bcc: all@example.org <b>\nProject strict\n')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(told?.text).not.toMatch(/[\r\u0007\u001b\u202e]/)
})

test('how somebody is told is said by that person alone', () => {
  const set = { type: 'person.set-preferences', data: { ...usual, mail: 'carol@example.org' } } as const
  scenario(personDecider, { scope: 'all', key: 'carol' })().when(set).isRefused('not-allowed')
  const own = scenario(personDecider, { scope: 'all', key: 'somebody' })
  const asked = own().when(set)
  asked.records({ type: 'person.preferences-set', data: set.data })
  expect(asked.again()).toEqual({ accepted: true, events: [] })
})
