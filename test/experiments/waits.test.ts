import { describe, expect, test } from 'vitest'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { waitsOf } from '#contracts/experiment-waits'
import { states } from './standings.ts'
import { created, initiate, story } from './story.ts'

/** What an experiment waits for, the most pressing first, as its page and the operator's inbox say it. */
const expected: Readonly<Record<string, readonly string[]>> = {
  idle: ['user: initiate'],
  'to be approved': ['administrator: approve'],
  approved: ['user: initiate'],
  declined: ['user: update'],
  terminated: ['user: initiate'],
  fetching: ['machine: fetch portal/self'],
  'fetch failed': ['operator: retry fetch portal/self', 'user: terminate fetch portal/self'],
  shipping: ['machine: ship north/self'],
  'ship failed': ['operator: retry ship north/self'],
  building: ['machine: build north/self'],
  'build failed': ['operator: retry build north/self', 'user: terminate build north/self'],
  'shipping again': ['machine: ship north/self'],
  built: ['operator: move-to-testbed'],
  delivering: ['machine: deliver north/one'],
  'delivery failed': ['operator: retry deliver north/one'],
  delivered: ['operator: mark-ready'],
  ready: ['operator: run'],
  probing: ['machine: probe north/self'],
  'probe failed': ['operator: retry probe north/self', 'user: set-cloud-link probe north/self'],
  'probe cancelled': ['operator: run'],
  running: ['machine: run north/one'],
  cancelling: ['machine: run north/one'],
  'run cancelled': ['operator: run'],
  'run silent': ['operator: retry run north/one'],
  collecting: ['machine: collect north/one'],
  'run failed': ['operator: retry run north/one'],
  'run failed with results': ['operator: retry run north/one'],
  'collection failed': ['operator: retry collect north/one'],
  'collection cancelled': ['operator: run'],
  'run finished': ['operator: submit'],
  'run again': ['machine: run north/one'],
  'behind at one site': ['operator: run', 'machine: build south/self'],
  'done at one site': ['machine: run south/four'],
  pulling: ['machine: pull north/self'],
  'pull failed': ['operator: retry pull north/self'],
  'collecting again': ['machine: collect north/one'],
  'collection failed again': ['operator: retry pull north/self', 'operator: retry collect north/one'],
  uploading: ['machine: upload north/self'],
  'upload failed': ['operator: retry upload north/self', 'user: set-cloud-link upload north/self'],
  done: [],
  archived: [],
}

const people = { administrator: 'ada', operator: 'olga', user: 'carol', machine: 'portal' }

describe('an experiment', () => {
  test.each(
    Object.entries(states).filter(([state]) => state !== 'unknown'),
  )('that is %s waits for what moves it on, and whoever that is may do it', (state, [make]) => {
    const waits = waitsOf(make().known())
    expect(
      waits.map(({ waitsFor, what, part, step }) =>
        [`${waitsFor}:`, what, ...(step === undefined || step === what ? [] : [step]), ...(part ? [part] : [])].join(
          ' ',
        ),
      ),
    ).toEqual(expected[state])
    for (const { waitsFor, command, needs } of waits)
      if (command && !needs && Object.keys(command.data).length > 0)
        expect(make().ask(people[waitsFor], command as ExperimentCommand)).toMatchObject({ accepted: true })
  })
})

test.each([
  ['fetch', 'source.no-config', 'user'],
  ['fetch', 'source.no-host', 'operator'],
  ['build', 'build.failed', 'user'],
  ['build', 'registry.unreachable', 'operator'],
  ['build', undefined, 'operator'],
] as const)('a %s that failed for %s is first of all for its %s to mend', (step, code, who) => {
  const told = story().must('carol', created()).must('carol', initiate)
  if (step === 'build') told.take('fetch').take('ship')
  told.begin(step).end(step, { outcome: 'failed', reason: 'x', code })
  const waits = waitsOf(told.known()).map(({ waitsFor }) => waitsFor)
  expect(waits).toEqual(who === 'user' ? ['user', 'operator'] : ['operator', 'user'])
})
