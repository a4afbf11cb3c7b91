import { describe, expect, test } from 'vitest'
import { type ExperimentCommand, experimentCommands } from '#contracts/experiment-commands'
import type { StepName } from '#contracts/experiment-parts'
import { type Role, rights } from '#contracts/experiment-rights'
import { stageOf, subStateOf, wordsOf } from '#contracts/experiment-standing'
import {
  cancelRun,
  created,
  initiate,
  markReady,
  moveToTestbed,
  results,
  run,
  story,
  submit,
  submitPartial,
  terminate,
} from './story.ts'

type Story = ReturnType<typeof story>
type Type = ExperimentCommand['type']

const make = () =>
  story()
    .must('carol', created())
    .must('carol', { type: 'experiment.set-experimenters', data: { experimenters: ['emil'] } })
const strict = () =>
  story('strict-1', 'strict').must('carol', created({ source: { link: 'https://git.example/x.git' } }))
const decline: ExperimentCommand = { type: 'experiment.decline', data: { reason: 'too fast' } }
const built = () => make().must('carol', initiate).take('fetch').take('ship').take('build')
const delivered = () => built().must('olga', moveToTestbed()).take('deliver')
const ready = () => delivered().must('olga', markReady)
const probed = () => ready().must('olga', run).take('probe')
const ran = () => probed().take('run').take('collect')
const halfRan = () =>
  probed()
    .begin('run')
    .end('run', { outcome: 'failed', reason: 'exit code 3', results: { ...results, partial: true } })
const home = () => ran().must('olga', submit).take('pull')

/** How an experiment comes to be so, and what is said of it. */
const states: Readonly<Record<string, readonly [() => Story, string]>> = {
  unknown: [() => story(), ''],
  idle: [make, 'Idle · idle: idle'],
  'to be approved': [strict, 'Idle · idle: idle'],
  declined: [() => strict().must('ada', decline), 'Idle · idle: idle'],
  terminated: [() => built().must('olga', terminate), 'Idle · idle: idle'],
  fetching: [() => make().must('carol', initiate).begin('fetch'), 'Development · deploying: fetching'],
  'fetch failed': [() => make().must('carol', initiate).fail('fetch'), 'Development · deploying: fetching, failed'],
  shipping: [() => make().must('carol', initiate).take('fetch').begin('ship'), 'Development · deploying: shipping'],
  building: [
    () => make().must('carol', initiate).take('fetch').take('ship').begin('build'),
    'Development · deploying: building',
  ],
  'build failed': [
    () => make().must('carol', initiate).take('fetch').take('ship').fail('build'),
    'Development · deploying: building, failed',
  ],
  built: [built, 'Development · deploying: built'],
  delivering: [() => built().must('olga', moveToTestbed()).begin('deliver'), 'TESTBED · deploying: delivering'],
  'delivery failed': [
    () => built().must('olga', moveToTestbed()).fail('deliver'),
    'TESTBED · deploying: delivering, failed',
  ],
  delivered: [delivered, 'TESTBED · deploying: delivered'],
  ready: [ready, 'TESTBED · ready: delivered'],
  probing: [() => ready().must('olga', run).begin('probe'), 'TESTBED · ready: running'],
  'probe failed': [() => ready().must('olga', run).fail('probe'), 'TESTBED · ready: running, failed'],
  running: [() => probed().begin('run'), 'TESTBED · ready: running'],
  cancelling: [() => probed().begin('run').must('olga', cancelRun), 'TESTBED · ready: running'],
  collecting: [() => probed().take('run').begin('collect'), 'TESTBED · ready: collecting'],
  'run failed': [() => probed().fail('run'), 'TESTBED · ready: running, failed'],
  'run failed with results': [() => halfRan().take('collect'), 'TESTBED · ready: cleaned, failed'],
  'collection failed': [() => probed().take('run').fail('collect'), 'TESTBED · ready: collecting, failed'],
  'run finished': [ran, 'TESTBED · ready: cleaned'],
  pulling: [() => ran().must('olga', submit).begin('pull'), 'TESTBED · submitted: pulling'],
  'pull failed': [() => ran().must('olga', submit).fail('pull'), 'TESTBED · submitted: pulling, failed'],
  uploading: [() => home().begin('upload'), 'TESTBED · submitted: uploading'],
  'upload failed': [() => home().fail('upload'), 'TESTBED · submitted: uploading, failed'],
  done: [() => home().take('upload'), 'TESTBED · submitted: done'],
  archived: [
    () => home().take('upload').must('carol', { type: 'experiment.archive', data: {} }),
    'TESTBED · submitted: done',
  ],
}

/** The commands that people give, shortly. */
const commands: Readonly<Record<string, ExperimentCommand>> = {
  create: created(),
  update: { type: 'experiment.update', data: { name: 'Another' } },
  people: { type: 'experiment.set-experimenters', data: { experimenters: ['mia'] } },
  link: { type: 'experiment.set-cloud-link', data: { cloudLink: { kind: 'directory', path: 'elsewhere' } } },
  approve: { type: 'experiment.approve', data: { reason: '' } },
  decline,
  initiate,
  end: terminate,
  testbed: moveToTestbed(),
  ready: markReady,
  run,
  cancel: cancelRun,
  submit,
  partial: submitPartial,
  archive: { type: 'experiment.archive', data: {} },
  package: { type: 'experiment.package', data: { site: 'north' } },
}

/**
 * What each command of somebody who may comes to: `ok`, `same` where it holds already, or the refusal; behind a slash what it
 * comes to for an operator, where that is something else.
 */
const expected = `
state                   | create | update     | people     | link      | approve   | decline   | initiate     | end                 | testbed   | ready          | run       | cancel   | submit    | partial    | archive   | package
unknown                 | ok     | unknown    | unknown    | unknown   | unknown   | unknown   | unknown      | unknown             | unknown   | unknown        | unknown   | unknown  | unknown   | unknown    | unknown   | unknown
idle                    | taken  | ok         | ok         | ok        | not-asked | not-asked | ok           | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
to be approved          | taken  | ok         | no-members | ok        | ok        | ok        | not-approved | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
declined                | taken  | ok         | no-members | ok        | ok        | same      | declined     | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
terminated              | taken  | ok         | ok         | ok        | not-asked | not-asked | ok           | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
fetching                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
fetch failed            | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
shipping                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
building                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | same
build failed            | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | ok
built                   | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | ok        | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivering              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | not-delivered  | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivery failed         | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | not-delivered  | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivered               | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | ok             | not-ready | no-run   | not-ready | not-ready  | under-way | same
ready                   | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | not-run   | not-run    | under-way | same
probing                 | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
probe failed            | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
running                 | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
cancelling              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | same     | run-open  | run-open   | under-way | same
collecting              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
run failed              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
run failed with results | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | ok         | under-way | same
collection failed       | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
run finished            | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | ok        | ok         | under-way | same
pulling                 | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | under-way | same
pull failed             | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
uploading               | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | under-way | same
upload failed           | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
done                    | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
archived                | taken  | archived   | archived   | archived  | archived  | archived  | archived     | archived            | archived  | archived       | archived  | archived | archived  | archived   | same      | archived`

/** Which step a retry is accepted for, and only that. */
const retried: Readonly<Record<string, readonly [StepName, string]>> = {
  'fetch failed': ['fetch', 'portal/self'],
  'build failed': ['build', 'north/self'],
  'delivery failed': ['deliver', 'north/one'],
  'probe failed': ['probe', 'north/self'],
  'run failed': ['run', 'north/one'],
  'run failed with results': ['run', 'north/one'],
  'collection failed': ['collect', 'north/one'],
  'pull failed': ['pull', 'north/self'],
  'upload failed': ['upload', 'north/self'],
}

/** Beside these, what a step behind has failed for may be made once more. */
const madeAgain: Readonly<Record<string, readonly [StepName, string]>> = {
  'build failed': ['ship', 'north/self'],
  'pull failed': ['collect', 'north/one'],
}

const people: Readonly<Record<Role, string>> = {
  administrator: 'ada',
  operator: 'olga',
  member: 'mia',
  creator: 'carol',
  experimenter: 'emil',
  agent: 'north',
  portal: 'portal',
}

const rows = expected
  .trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
const [, ...names] = rows[0] ?? []
const table = rows
  .slice(1)
  .flatMap(([state = '', ...cells]) => cells.map((cell, at) => [state, names[at] ?? '', cell] as const))

const answerTo = (told: Story, principal: string, command: ExperimentCommand): string => {
  const decision = told.ask(principal, command)
  return decision.accepted ? (decision.events.length > 0 ? 'ok' : 'same') : decision.refusal
}

const inProject = (state: string): string[] =>
  ['to be approved', 'declined'].includes(state) ? ['carol'] : ['carol', 'emil', 'mia']

describe('an experiment', () => {
  test.each(Object.entries(states).filter(([, [, words]]) => words !== ''))('that is %s says so', (_, [
    make,
    words,
  ]) => {
    const known = make().known()
    const { mode, status } = wordsOf[stageOf(known)]
    const part = Object.values(known.sites).flatMap(({ nodes }) => nodes)[0] ?? 'north/self'
    const { state, failed } = subStateOf(known, part)
    expect(`${mode} · ${status}: ${state}${failed ? ', failed' : ''}`).toBe(words)
  })

  test('has an expected answer for every state and command', () => {
    expect(rows.slice(1).map(([state]) => state)).toEqual(Object.keys(states))
    expect(names).toEqual(Object.keys(commands))
  })

  test.each(table)('that is %s answers %s: %s', (state, name, answer) => {
    const [make] = states[state] ?? []
    const command = commands[name]
    if (!make || !command) throw new Error(`${state}, ${name}`)
    const may = rights[command.type]
    for (const [role, person] of Object.entries(people) as [Role, string][]) {
      // Whoever is no member of the project is neither its creator nor an experimenter of it.
      const isAllowed =
        may.includes(role) &&
        (!['member', 'creator', 'experimenter'].includes(role) || inProject(state).includes(person))
      const isMember = may.includes('member') && inProject(state).includes(person)
      const isKnown = state !== 'unknown' || command.type === 'experiment.create'
      const isExperimenter = role !== 'experimenter' || !['to be approved', 'declined'].includes(state)
      const told = make()
      const [usual = '', operators = usual] = answer.split('/')
      const own = role === 'operator' ? operators : usual
      const wanted = !isKnown ? 'unknown' : (isAllowed && isExperimenter) || isMember ? own : 'not-allowed'
      expect([role, answerTo(told, person, command)]).toEqual([role, wanted])
    }
  })

  test.each(Object.entries(states))('that is %s is asked to retry by an operator alone, and only what failed', (state, [
    make,
  ]) => {
    for (const step of ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload'] as const)
      for (const part of ['portal/self', 'north/self', 'north/one'])
        for (const [role, person] of Object.entries(people)) {
          const [failed, at] = retried[state] ?? []
          const answer = answerTo(make(), person, { type: 'experiment.retry', data: { part, step } })
          const [again, there] = madeAgain[state] ?? []
          const isIt = (failed === step && at === part) || (again === step && there === part)
          const refusal = state === 'archived' ? /^archived$/ : /^(unknown-step|not-failed)$/
          if (state === 'unknown') expect(answer).toBe('unknown')
          else if (role !== 'operator') expect(answer).toBe('not-allowed')
          else expect(answer).toMatch(isIt ? /^ok$/ : refusal)
        }
  })

  test('has rights for every command there is', () => {
    expect(Object.keys(rights).toSorted()).toEqual(Object.keys(experimentCommands).toSorted())
  })

  const stepTypes: readonly Type[] = [
    'experiment.start-step',
    'experiment.beat-step',
    'experiment.turn-step',
    'experiment.report-step',
  ]
  test.each(stepTypes)('takes %s of whoever takes the step alone', (type) => {
    for (const [role, person] of Object.entries({ ...people, stranger: 'south' })) {
      const told = probed().begin('run')
      const data = {
        ...told.executionOf(told.lastAsked('run')),
        host: 'north',
        phase: 'running',
        result: { outcome: 'failed', reason: '' },
      }
      const answer = answerTo(told, person, { type, data } as ExperimentCommand)
      expect([role, answer === 'not-allowed']).toEqual([role, role !== 'agent'])
    }
  })
})
