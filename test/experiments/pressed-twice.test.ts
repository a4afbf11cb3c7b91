import { describe, expect, test } from 'vitest'
import { withWho } from '#agents/experiments/done-already'
import { commandFrom } from '#bus/command'
import { ownerOf } from '#bus/handle'
import { memoryBus } from '#bus/memory'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { expire, far, node, retry, running, runningAtBoth, site } from './stages.ts'
import { states } from './standings.ts'
import { cancelRun, decider, initiate, markReady, moveToTestbed, run, type story, submit, terminate } from './story.ts'

type Story = ReturnType<typeof story>

const stateOf = (name: string): Story => {
  const [make] = states[name] ?? []
  if (!make) throw new Error(name)
  return make()
}
const approve: ExperimentCommand = { type: 'experiment.approve', data: { reason: '' } }
const decline: ExperimentCommand = { type: 'experiment.decline', data: { reason: 'too fast' } }
const archive: ExperimentCommand = { type: 'experiment.archive', data: {} }
const done = (who: string) => `${who} has done so at 00:00 UTC`

/** What is refused whoever asks. */
const refusedToAll = new Set(['idle', 'run-open', 'not-failed', 'no-run'])

/** From which state who asks for what, who does so too, and what that one is told. */
const twice: Readonly<Record<string, readonly [string, string, string, ExperimentCommand, string, string]>> = {
  approve: ['to be approved', 'ada', 'abe', approve, 'approved', 'strict-1 is approved already'],
  decline: ['to be approved', 'ada', 'abe', decline, 'declined', 'strict-1 is declined already'],
  initiate: ['idle', 'emil', 'carol', initiate, 'begun', 'rover-1 is in development already'],
  terminate: ['built', 'olga', 'carol', terminate, 'idle', 'rover-1 is terminated already'],
  'terminate in the testbed': ['ready', 'olga', 'oleg', terminate, 'idle', 'rover-1 is terminated already'],
  'move to testbed': [
    'built',
    'olga',
    'oleg',
    moveToTestbed(node),
    'in-testbed',
    `rover-1 is in the testbed already, with ${node}`,
  ],
  'mark ready': ['delivered', 'olga', 'oleg', markReady, 'ready', 'rover-1 is ready already'],
  run: ['ready', 'olga', 'oleg', run, 'run-open', `rover-1 is running at north already, on ${site}`],
  'cancel what waits': ['probing', 'olga', 'carol', cancelRun, 'no-run', 'The run of rover-1 is cancelled already'],
  'cancel what runs': ['running', 'emil', 'olga', cancelRun, 'cancelled', 'The run of rover-1 is told to stop already'],
  submit: ['run finished', 'olga', 'oleg', submit, 'submitted', 'rover-1 is submitted already'],
  retry: [
    'run failed',
    'olga',
    'oleg',
    retry(node, 'run'),
    'not-failed',
    `The step run of ${node} is retried already, and is scheduled`,
  ],
  'retry of the build': [
    'build failed',
    'oleg',
    'olga',
    retry(site, 'build'),
    'not-failed',
    `The step build of ${site} is retried already, and is scheduled`,
  ],
  archive: ['done', 'carol', 'olga', archive, 'archived', 'rover-1 has been archived'],
}

describe('of two who ask for the same', () => {
  test.each(Object.entries(twice))('one wins, and the other is told who: %s', (_, [
    state,
    first,
    second,
    command,
    refusal,
    sentence,
  ]) => {
    const told = stateOf(state).must(first, command)
    const { length } = told.events
    expect(told.ask(second, command)).toEqual({ accepted: false, refusal, detail: `${sentence}: ${done(first)}` })
    const again = told.ask(first, command)
    // What it asks for is there already, or can't be asked for any longer by anybody.
    expect(again).toEqual(refusedToAll.has(refusal) ? told.ask(second, command) : { accepted: true, events: [] })
    expect(told.events).toHaveLength(length)
  })

  test('the other is told also where that was at one of several sites, or with other end nodes', () => {
    const told = stateOf('behind at one site')
    expect(told.ask('oleg', moveToTestbed('north/two'))).toMatchObject({
      ...{ refusal: 'in-testbed', detail: `rover-1 is in the testbed of north already, with ${node}: ${done('olga')}` },
    })
    const home = stateOf('done at one site')
    expect(home.ask('oleg', moveToTestbed(node))).toMatchObject({
      ...{ refusal: 'submitted', detail: `rover-1 is submitted at north: ${done('olga')}` },
    })
    expect(stateOf('done').ask('oleg', markReady)).toMatchObject({
      ...{ refusal: 'submitted', detail: `rover-1 is submitted: ${done('olga')}` },
    })
    expect(stateOf('archived').ask('emil', initiate)).toMatchObject({
      ...{ refusal: 'archived', detail: `rover-1 has been archived: ${done('carol')}` },
    })
  })

  test('the one named is who did it last, and nobody where nobody did', () => {
    const told = running()
    told.must('portal', expire(told)).must('oleg', retry(node, 'run'))
    expect(told.ask('olga', run)).toMatchObject({ detail: expect.stringContaining(done('oleg')) })
    told.must('carol', cancelRun).must('olga', run)
    expect(told.ask('oleg', run)).toMatchObject({ detail: expect.stringContaining(done('olga')) })
    told.take('probe').take('run').take('collect')
    expect(told.ask('oleg', cancelRun)).toMatchObject({ detail: 'No run of rover-1 is open' })
    expect(told.ask('oleg', retry(node, 'run'))).toMatchObject({
      ...{ refusal: 'not-failed', detail: `The step run of ${node} has not failed: it is succeeded` },
    })
    expect(stateOf('idle').ask('olga', terminate)).toMatchObject({
      detail: 'rover-1 is idle: there is nothing to terminate',
    })
  })

  test('a machine that says that it stopped is not taken for who cancelled', () => {
    const told = runningAtBoth().must('carol', cancelRun)
    for (const part of [node, far]) told.end('run', { outcome: 'cancelled', reason: 'told to' }, part)
    expect(told.ask('olga', cancelRun)).toMatchObject({
      ...{ refusal: 'no-run', detail: `The run of rover-1 is cancelled already: ${done('carol')}` },
    })
  })

  test('who approved is known in later attempts too', () => {
    const told = stateOf('to be approved').must('ada', approve)
    told.must('carol', initiate).must('olga', terminate)
    expect(told.ask('abe', approve)).toMatchObject({ detail: expect.stringContaining(done('ada')) })
  })

  test('nobody is named where nobody is known', () => {
    expect(withWho('It is so', undefined, { at: 0 })).toBe('It is so')
  })

  test('the day is named where it was another one', () => {
    const told = stateOf('ready')
    const command = { ...markReady, id: 'x', key: 'rover-1', scope: 'rover', principal: 'oleg' }
    const detail = (at: string) => {
      const decision = decider.decide({ ...command, at: Date.parse(at) }, told.known(), [])
      return decision.accepted ? '' : decision.detail
    }
    expect(detail('1970-01-01T23:59:00Z')).toMatch(/: olga has done so at 00:00 UTC$/)
    expect(detail('1970-01-02T00:00:00Z')).toMatch(/: olga has done so on 1970-01-01 at 00:00 UTC$/)
  })

  test('at the same moment, one step is retried once', async () => {
    const told = stateOf('run failed')
    const bus = memoryBus({ principal: 'portal' })
    const address = { aggregate: 'experiment', scope: 'rover', key: 'rover-1' }
    const owner = ownerOf(bus, decider)
    for (const { principal, command } of told.asks)
      await owner.handle(address, commandFrom({ ...command, address }, principal))
    // Two owners, as two processes may be: none of them knows what the other has just recorded.
    const answers = await Promise.all(
      ['olga', 'oleg'].map((who) =>
        ownerOf(bus, decider).handle(address, commandFrom({ ...retry(node, 'run'), address }, who)),
      ),
    )
    const [lost] = answers.flatMap((answer, at) =>
      answer.accepted ? [] : [{ ...answer, winner: ['oleg', 'olga'][at] }],
    )
    expect(answers.filter(({ accepted }) => accepted)).toHaveLength(1)
    expect(lost).toMatchObject({
      refusal: 'not-failed',
      detail: expect.stringMatching(
        new RegExp(
          `^The step run of ${node} is retried already, and is scheduled: ${lost?.winner} has done so at \\d\\d:\\d\\d UTC$`,
        ),
      ),
    })
    await bus.close()
  })
})
