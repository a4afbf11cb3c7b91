import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { beforeAll, expect, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { artifactsVerb } from '../../src/cli/artifacts.ts'
import { candidatesFor } from '../../src/cli/complete.ts'
import { requestsVerb } from '../../src/cli/pipelines.ts'
import { runsVerb } from '../../src/cli/runs.ts'
import { millrace, temporaryFolders } from '../processes.ts'
import { upIn } from './quiet.ts'

const newFolder = temporaryFolders()
const folder = newFolder()
let nats: readonly string[]

/** Runs a verb to its end: its exit code and all that it said. */
const say = async (...words: readonly string[]) => {
  const verb = millrace([...words, ...nats])
  return { code: await verb.ended, output: verb.output() }
}
/** What a verb says, which is done. */
const ask = async (...words: readonly string[]): Promise<string> => {
  const { code, output } = await say(...words)
  expect([code, output]).toEqual([0, output])
  return output
}
/** What is offered where a command line goes on, however long that takes. */
const offered = async (...words: readonly string[]): Promise<readonly string[]> => {
  const program = new Command('millrace')
  for (const verb of [runsVerb, requestsVerb, artifactsVerb]) verb(program)
  const all = [...words.slice(0, 2), ...nats, ...words.slice(2)]
  return (await candidatesFor(program, all)).map(({ name }) => name)
}
const lines = (output: string) =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

beforeAll(async () => {
  mkdirSync(join(folder, 'inbox'))
  writeFileSync(join(folder, 'inbox/a.txt'), 'a word\nand another\n')
  const up = await upIn(folder, 'test/cli/steps.ts')
  const [, port] = await up.says(/NATS listens at nats:\/\/127\.0\.0\.1:(\d+)/)
  nats = ['--nats', `nats://127.0.0.1:${port}`, '--state', join(folder, 'state')]
  await Promise.all([up.says(/run steps\/0 succeeded/), up.says(/Ctrl-C stops/)])
}, 60_000)

test('runs are waited for, and what they printed is read', async () => {
  const [waited, all, careful, last, one, none] = await Promise.all([
    ask('runs', 'wait', '0'),
    ask('runs', 'logs', '0'),
    ask('runs', 'logs', 'steps/0', 'first', '--level', 'warn'),
    ask('runs', 'logs', '0', '--tail', '1', '--follow', '--json'),
    ask('runs', 'ls', '--trigger', 'files', '--from', '2001-01-01', '--json'),
    ask('runs', 'ls', '--to', '2001-01-01'),
  ])
  expect(waited).toMatch(/run: +steps\/0\nstate: +succeeded\n/)
  expect(all).toMatch(/Z INFO steps\/first: read a word\n {4}and another\n.*Z WARN steps\/first: careful\n$/)
  expect(careful).toMatch(/^\S+Z WARN: careful\n$/)
  expect(lines(last)).toMatchObject([{ text: 'careful', level: 'warn', attempt: 1, part: 'steps/first' }])
  expect(lines(one)).toMatchObject([{ number: 0 }])
  expect(none).toBe('none\n')
})

test('why an artifact exists, and what came of a file, is drawn and told to other tools', async () => {
  const [why, used, raw, open, missing] = await Promise.all([
    ask('why', 'outbox', 'first0.txt'),
    ask('used-by', 'steps/inbox', 'a.txt'),
    ask('why', 'outbox', 'first0.txt', '--json'),
    ask('why', 'outbox', 'first0.txt', '--openlineage'),
    say('why', 'outbox', 'nothing.txt'),
  ])
  expect(why).toMatch(
    /^steps\/outbox first0\.txt \(\w{12}\)\n└─ produced by steps\/first in run steps\/0\n {3}└─ used steps\/inbox a\.txt \(\w{12}\)\n/,
  )
  expect(used).toMatch(
    /^steps\/inbox a\.txt .*\n└─ used by steps\/first in run steps\/0\n {3}└─ produced steps\/outbox/,
  )
  expect(JSON.parse(raw)).toMatchObject({ from: [expect.any(String)], things: expect.any(Array) })
  expect(lines(open)).toMatchObject([{ eventType: 'COMPLETE', job: { namespace: 'millrace://steps', name: 'first' } }])
  expect(missing).toMatchObject({ code: 5, output: expect.stringMatching(/There is no artifact nothing\.txt/) })
})

test('artifacts are tagged, and numbers, settings and tags logged, and read again', async () => {
  await Promise.all([
    ask('artifacts', 'tag', 'outbox', 'first0.txt', 'stage=production'),
    ask('metrics', 'log', 'drift', 'NaN', '--run', '0', '--step', '3'),
    ask('params', 'log', 'rate', '{"start":0.1}'),
    ask('params', 'log', 'seed', '7', '--run', '0'),
    ask('tags', 'log', 'reviewed', 'yes', '--run', 'steps/0'),
  ])
  const [tags, history, metrics, params, runTags, shown, all, before, wrong] = await Promise.all([
    ask('artifacts', 'tags', 'outbox', '--key', 'stage'),
    ask('artifacts', 'history', '--path', 'first0*', '--json'),
    ask('metrics', 'ls', '--run', '0', '--json'),
    ask('params', 'ls', '--key', 'rate', '--json'),
    ask('tags', 'ls', '--run', '0'),
    ask('runs', 'show', '0'),
    ask('runs', 'show', '0', '--json'),
    ask('artifacts', 'ls', 'outbox', '--at', '2020-01-01'),
    say('metrics', 'log', 'drift', 'low'),
  ])
  const [noRun, noNode] = await Promise.all([say('metrics', 'ls', '--run', '99'), say('tags', 'ls', '--node', 'zz')])
  expect(noRun).toEqual({ code: 5, output: 'There is no run steps/99\n' })
  expect(noNode).toMatchObject({ code: 5, output: expect.stringMatching(/^There is no node zz; known are /) })
  expect(tags).toMatch(/steps\/outbox +first0\.txt +stage +production/)
  expect(lines(history).map(({ what }) => what)).toEqual(['produced', 'tagged'])
  expect(lines(metrics)).toMatchObject([{ key: 'drift', value: 'NaN', step: 3, run: 'steps/0' }])
  expect(lines(params)).toMatchObject([{ key: 'rate', value: { start: 0.1 }, run: null }])
  expect(runTags).toMatch(/reviewed +yes +steps\/0/)
  expect(shown).toMatch(/\nPARAM +VALUE.*\nseed +7\n.*TAG +VALUE.*\nreviewed +yes\n.*METRIC +VALUE.*\ndrift +NaN +3/s)
  expect(JSON.parse(all)).toMatchObject({ params: [{ key: 'seed' }], tags: [{ value: 'yes' }], metrics: [{ step: 3 }] })
  expect(before).toBe('none\n')
  expect(wrong).toMatchObject({ code: 2, output: expect.stringMatching(/Expected a number/) })
})

test('a run is repeated from a node on, and what would be reused is told before', async () => {
  const again = ['runs', 'rerun', '0', '--from', 'second']
  const dry = await ask(...again, '--dry-run')
  expect(dry).toMatch(
    /steps\/first +reused from run 0 +as in run 0\nsteps\/second +executed again +the run starts from it/,
  )
  expect(await ask(...again)).toMatch(/run: +steps\/1\n/)
  expect(await ask('runs', 'wait', '1')).toMatch(/state: +succeeded/)
})

test('a run that there is not is not there for any verb', { timeout: 60_000 }, async () => {
  const verbs = ['show', 'wait', 'logs', 'cancel', 'pause', 'resume', 'rerun'].map((verb) => [verb, '9'])
  const said = await Promise.all([...verbs, ['rerun', '9', '--dry-run']].map((words) => say('runs', ...words)))
  for (const one of said)
    expect(one).toMatchObject({ code: 5, output: expect.stringMatching(/steps has no run 9|no run 9 of steps/) })
})

test('a run is held back, let go and ended, and following it ends with it', { timeout: 60_000 }, async () => {
  const file = join(folder, 'hold.txt')
  writeFileSync(file, '')
  await ask('artifacts', 'put', 'outbox', file, 'hold')
  expect(await ask('runs', 'start', '--message', 'to be ended')).toMatch(/run: +steps\/2\n/)
  const following = millrace(['runs', 'logs', '2', '--follow', ...nats])
  await following.says(/holding on/)
  expect(await ask('runs', 'pause', '2', '--reason', 'lunch')).toMatch(/accepted: +true/)
  expect(await ask('runs', 'show', '2')).toMatch(/state: +paused\nreason: +lunch/)
  expect(await ask('runs', 'resume', '2')).toMatch(/run\.resumed/)
  const waiting = say('runs', 'wait', '2', '--json')
  await ask('runs', 'cancel', 'steps/2', '--reason', 'enough')
  const { code, output } = await waiting
  expect(code).toBe(6)
  expect(JSON.parse(output)).toMatchObject({ state: 'cancelled', reason: 'enough' })
  expect(await following.ended).toBe(0)
  const refused = await say('runs', 'cancel', '2')
  expect(refused).toMatchObject({ code: 3, output: expect.stringMatching(/Run 2 has ended already/) })
})

test('a pipeline is held back, and what was asked of it meanwhile is withdrawn', async () => {
  await ask('pipelines', 'pause', 'steps', '--reason', 'holidays')
  expect(await ask('pipelines', 'ls')).toMatch(/steps +paused +holidays +5 +here +1 +\S+\n/)
  const { request, run, waits } = JSON.parse(await ask('runs', 'start', '--json'))
  expect([run, waits]).toEqual([null, 'queued while steps is paused: holidays'])
  expect(await ask('requests', 'ls', '--status', 'queued')).toMatch(new RegExp(`${request}.* ${waits} `))
  expect(await offered('requests', 'withdraw', request.slice(0, 4))).toEqual([request])
  await ask('requests', 'withdraw', request)
  expect(await say('requests', 'withdraw', request)).toMatchObject({ code: 3 })
  await ask('pipelines', 'resume', 'steps')
  expect(await ask('pipelines', 'graph', 'steps')).toMatch(/steps\/second +action +\S+ +steps\/first\n/)
  expect(await ask('status')).toMatch(/steps\/outbox +filesystem-store +steps\/\d/)
})

test('what was given up on is put back, or dropped, once somebody has looked at what that would be', async () => {
  const bus = await openBus({ url: nats[1] ?? '', principal: 'cli' })
  const { events } = await bus.read({ aggregate: 'run', scope: 'steps', key: '0' })
  const { id, sequence } = events.find(({ type }) => type === 'run.node-scheduled') ?? { id: '', sequence: 0 }
  await bus.bury({ where: 'steps', agent: 'first', eventId: id, stream: 'EVENTS', sequence, attempts: 11, reason: 'r' })
  expect(await ask('dead', 'redeliver', '--agent', 'first', '--dry-run')).toContain(id)
  expect(await bus.dead()).toHaveLength(1)
  expect(await ask('dead', 'redeliver', id)).toContain(id)
  expect(await bus.dead()).toEqual([])
  expect(await say('dead', 'drop')).toMatchObject({ code: 2, output: expect.stringMatching(/Say which/) })
  expect(await say('dead', 'drop', id)).toMatchObject({ code: 5 })
  await bus.close()
})

test('names of what there is complete a command line, as short as they may be', async () => {
  expect(await offered('runs', 'show', '')).toEqual(['2', '1', '0'])
  expect(await offered('runs', 'show', 'steps/1')).toEqual(['steps/1'])
  expect(await offered('runs', 'logs', '0', 's')).toEqual(['second'])
  expect(await offered('runs', 'rerun', '0', '--from', 'steps/')).toEqual(['steps/first', 'steps/second'])
  expect(await offered('artifacts', 'get', '')).toEqual(['inbox', 'outbox'])
  expect(await offered('runs', 'ls', '--pipeline', '')).toEqual(['steps'])
})
