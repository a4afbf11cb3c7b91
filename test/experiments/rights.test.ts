import { describe, expect, test } from 'vitest'
import { type ExperimentCommand, experimentCommands } from '#contracts/experiment-commands'
import type { StepName } from '#contracts/experiment-parts'
import { type Role, rights } from '#contracts/experiment-rights'
import { stageOf, subStateOf, wordsOf } from '#contracts/experiment-standing'
import { furthestBehind } from '#contracts/experiment-summary'
import { running, site } from './stages.ts'
import { commands, states } from './standings.ts'
import type { story } from './story.ts'

type Story = ReturnType<typeof story>
type Type = ExperimentCommand['type']

/**
 * What each command of somebody who may comes to: `ok`, `same` where it holds already, or the refusal; behind a slash what it
 * comes to for an operator, where that is something else.
 */
const expected = `
state                   | create | update     | people     | link      | approve   | decline   | initiate     | end                 | testbed   | ready          | run       | cancel   | submit    | partial    | archive   | package
unknown                 | ok     | unknown    | unknown    | unknown   | unknown   | unknown   | unknown      | unknown             | unknown   | unknown        | unknown   | unknown  | unknown   | unknown    | unknown   | unknown
idle                    | taken  | ok         | ok         | ok        | not-asked | not-asked | ok           | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
to be approved          | taken  | ok         | no-members | ok        | ok        | ok        | not-approved | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
approved                | taken  | ok         | no-members | ok        | same      | ok        | ok           | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
declined                | taken  | ok         | no-members | ok        | ok        | same      | declined     | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
terminated              | taken  | ok         | ok         | ok        | not-asked | not-asked | ok           | idle                | idle      | idle           | idle      | no-run   | idle      | idle       | ok        | not-shipped
fetching                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
fetch failed            | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
shipping                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
ship failed             | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
building                | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | same
build failed            | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | ok
shipping again          | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | not-built | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | not-shipped
built                   | taken  | ok         | ok         | ok        | not-asked | not-asked | same         | ok                  | ok        | not-in-testbed | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivering              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | not-delivered  | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivery failed         | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | not-delivered  | not-ready | no-run   | not-ready | not-ready  | under-way | same
delivered               | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | ok             | not-ready | no-run   | not-ready | not-ready  | under-way | same
ready                   | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | not-run   | not-run    | under-way | same
probing                 | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
probe failed            | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
probe cancelled         | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
running                 | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
cancelling              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | same     | run-open  | run-open   | under-way | same
run cancelled           | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
run silent              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
collecting              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
run failed              | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
run failed with results | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | ok         | under-way | same
collection failed       | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
collection cancelled    | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | failed    | no-results | under-way | same
run finished            | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | same           | ok        | no-run   | ok        | ok         | under-way | same
run again               | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | same      | same           | run-open  | ok       | run-open  | run-open   | under-way | same
behind at one site      | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/ok       | same      | not-in-testbed | not-ready | no-run   | not-run   | not-run    | under-way | same
done at one site        | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed/run-open | submitted | same           | submitted | ok       | run-open  | run-open   | under-way | same
pulling                 | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | under-way | same
pull failed             | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
collecting again        | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | ok       | same      | same       | under-way | same
collection failed again | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
uploading               | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | under-way | same
upload failed           | taken  | in-testbed | in-testbed | ok        | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
done                    | taken  | in-testbed | in-testbed | submitted | not-asked | not-asked | in-testbed   | in-testbed          | submitted | submitted      | submitted | no-run   | same      | same       | ok        | same
archived                | taken  | archived   | archived   | archived  | archived  | archived  | archived     | archived            | archived  | archived       | archived  | archived | archived  | archived   | same      | archived`

/** Which steps a retry is accepted for, and only those: what has failed, and what that step could be given once more. */
const retried: Readonly<Record<string, Readonly<Partial<Record<StepName, string>>>>> = {
  'fetch failed': { fetch: 'portal/self' },
  'ship failed': { ship: 'north/self' },
  'build failed': { build: 'north/self', ship: 'north/self' },
  'delivery failed': { deliver: 'north/one' },
  'probe failed': { probe: 'north/self' },
  'run failed': { run: 'north/one' },
  'run silent': { run: 'north/one' },
  'run failed with results': { run: 'north/one' },
  'collection failed': { collect: 'north/one' },
  'collection cancelled': { collect: 'north/one' },
  'pull failed': { pull: 'north/self', collect: 'north/one' },
  'collection failed again': { pull: 'north/self', collect: 'north/one' },
  'upload failed': { upload: 'north/self' },
}

/** What has failed, and waits for what is being brought to it. */
const waiting: typeof retried = {
  'shipping again': { build: 'north/self' },
  'collecting again': { pull: 'north/self' },
}

/** Who may, as it is agreed: whoever is one of these. */
const whoMay: Readonly<Record<string, readonly Role[]>> = {
  create: ['member'],
  update: ['creator', 'experimenter'],
  people: ['creator', 'experimenter'],
  link: ['creator', 'experimenter'],
  approve: ['administrator'],
  decline: ['administrator'],
  initiate: ['creator', 'experimenter'],
  end: ['creator', 'experimenter', 'operator'],
  testbed: ['operator'],
  ready: ['operator'],
  run: ['operator'],
  cancel: ['creator', 'experimenter', 'operator'],
  submit: ['operator'],
  partial: ['operator'],
  archive: ['creator', 'operator'],
  package: ['agent', 'operator', 'portal'],
}

/** Everybody there is, and who they are to what is of the project rover. */
const people: Readonly<Record<string, readonly Role[]>> = {
  ada: ['administrator'],
  abe: ['administrator'],
  olga: ['operator'],
  mia: ['member'],
  carol: ['member', 'creator'],
  emil: ['member', 'experimenter'],
  mona: ['member', 'operator'],
  emma: ['member', 'experimenter', 'operator'],
  north: ['agent'],
  portal: ['portal'],
  'rover-one': [],
  nobody: [],
}

/** What holds already was done by this one; whoever else asks for it is refused so. */
const doneBy: Readonly<Record<string, readonly [string, string]>> = {
  decline: ['ada', 'declined'],
  approve: ['ada', 'approved'],
  initiate: ['carol', 'begun'],
  testbed: ['olga', 'in-testbed'],
  ready: ['olga', 'ready'],
  cancel: ['olga', 'cancelled'],
  submit: ['olga', 'submitted'],
  partial: ['olga', 'submitted'],
  archive: ['carol', 'archived'],
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

/** Of the project strict only carol is a member. */
const rolesIn = (state: string, person: string): readonly Role[] => {
  const roles = people[person] ?? []
  if (state === 'unknown') return roles.filter((role) => role !== 'creator' && role !== 'experimenter')
  const isStranger = ['to be approved', 'approved', 'declined'].includes(state) && person !== 'carol'
  return isStranger ? roles.filter((role) => role !== 'member' && role !== 'experimenter') : roles
}

describe('an experiment', () => {
  test.each(Object.entries(states).filter(([, [, words]]) => words !== ''))('that is %s says so', (_, [
    make,
    words,
  ]) => {
    const known = make().known()
    const { mode, status } = wordsOf[stageOf(known)]
    const { state, failed, cancelled } = subStateOf(known, furthestBehind(known)?.part ?? site)
    expect(`${mode} · ${status}: ${state}${failed ? ', failed' : ''}${cancelled ? ', cancelled' : ''}`).toBe(words)
  })

  test('has an expected answer for every state and command', () => {
    expect(rows.slice(1).map(([state]) => state)).toEqual(Object.keys(states))
    expect(names).toEqual(Object.keys(commands))
  })

  test.each(table)('that is %s answers %s: %s', (state, name, answer) => {
    const [make] = states[state] ?? []
    const command = commands[name]
    if (!make || !command) throw new Error(`${state}, ${name}`)
    for (const person of Object.keys(people)) {
      const roles = rolesIn(state, person)
      const isAllowed = roles.some((role) => whoMay[name]?.includes(role))
      const isKnown = state !== 'unknown' || name === 'create'
      const [usual = '', operators = usual] = answer.split('/')
      const own = roles.includes('operator') ? operators : usual
      const [doer = person, already = 'same'] = doneBy[name] ?? []
      const isSaid = own === 'same' && person !== doer
      const wanted = !isKnown ? 'unknown' : !isAllowed ? 'not-allowed' : isSaid ? already : own
      expect([person, answerTo(make(), person, command)]).toEqual([person, wanted])
    }
  })

  test.each(Object.entries(states))('that is %s is asked to retry by an operator alone, and only what failed', (state, [
    make,
  ]) => {
    for (const step of ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload'] as const)
      for (const part of ['portal/self', 'north/self', 'north/one'])
        for (const [person, roles] of Object.entries(people)) {
          const answer = answerTo(make(), person, { type: 'experiment.retry', data: { part, step } })
          const refusal = state === 'archived' ? /^archived$/ : /^(unknown-step|not-failed)$/
          if (state === 'unknown') expect(answer).toBe('unknown')
          else if (!roles.includes('operator')) expect(answer).toBe('not-allowed')
          else if (retried[state]?.[step] === part) expect(answer).toBe('ok')
          else if (waiting[state]?.[step] === part) expect(answer).toBe('under-way')
          else expect(answer).toMatch(refusal)
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
    for (const person of [...Object.keys(people), 'south']) {
      const told = running()
      const data = {
        ...told.executionOf(told.lastAsked('run')),
        host: 'north',
        phase: 'running',
        result: { outcome: 'failed', reason: '' },
      }
      const answer = answerTo(told, person, { type, data } as ExperimentCommand)
      expect([person, answer === 'not-allowed']).toEqual([person, !['north', 'rover-one'].includes(person)])
    }
  })
})
