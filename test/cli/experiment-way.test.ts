import { expect, onTestFinished, test } from 'vitest'
import { ask as askOwner } from '#bus/command'
import { openBus } from '#bus/jetstream'
import { addressOfExperiment } from '#contracts/experiment-parts'
import { withSites } from './simulated-bed.ts'

const { ask, json, make, ready, run, say, until, url } = withSites()

const linesOf = (output: string) =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const listed = async (...words: readonly string[]) => linesOf(await ask(...words, '--json'))
const inbox = async (who: string) => (await ask('inbox', '--as', who, '--json')).trim()

test('an experiment goes all the way by the command line alone', async () => {
  const id = await make('Dawn')
  await expect.poll(() => inbox('carol')).toContain(id)
  expect(await ask('initiate', id, '--as', 'carol')).toContain(
    `\nFollow it with: millrace experiment logs ${id} --follow`,
  )
  expect(await ask('initiate', id, '--as', 'carol')).toMatch(
    /nothing is done anew\.\nTo begin anew .* terminate rover-/,
  )
  await until(id, 'north/self', 'built')
  await expect.poll(() => inbox('olga')).toContain(id)
  expect(await ask('inbox', '--as', 'olga')).toMatch(new RegExp(`${id} +Dawn +setup +north +operator`))
  await ask('setup', id, '--node', 'north/one', '--as', 'olga')
  await expect
    .poll(() => listed('nodes', '--site', 'north', '--as', 'olga'))
    .toEqual(expect.arrayContaining([expect.objectContaining({ part: 'north/one', occupiedBy: id })]))
  expect(await ask('nodes', '--site', 'north', '--as', 'olga')).toMatch(new RegExp(`north/one .* ${id} `))
  await until(id, 'north/one', 'delivered')
  await ask('ready', id, '--as', 'olga')
  await ask('run', id, '--as', 'olga')
  await until(id, 'north/one', 'cleaned')
  expect(await json('results', id)).toMatchObject({ part: 'north/one', run: 1, files: 2, collected: 'succeeded' })
  expect(await ask('show', id)).toMatch(/north\/one +cleaned +1 succeeded\n/)
  await ask('submit', id, '--as', 'olga')
  await until(id, 'north/one', 'done')
  expect(await json('show', id)).toMatchObject({ mode: 'TESTBED', status: 'submitted' })
  await expect
    .poll(() => listed('ls', '--project', 'rover', '--mode', 'TESTBED', '--as', 'carol'))
    .toMatchObject([{ experiment: id, status: 'submitted' }])
  expect(await ask('logs', id, '--step', 'run')).toMatch(/run north\/one: run for north\/one\n$/)
  const copy = (await json('clone', id, '--name', 'Dusk', '--as', 'emil')).experiment
  expect(await ask('clone', id, '--as', 'emil')).not.toMatch(/say where its results go/)
  expect(await json('show', copy)).toMatchObject({ name: 'Dusk', creator: 'emil', status: 'idle' })
  await ask('archive', id, '--as', 'carol')
  expect(await say('archive', id, '--as', 'olga')).toEqual({
    code: 3,
    output: expect.stringMatching(/carol has done so/),
  })
  expect((await listed('history', id)).map(({ who, what }) => `${who} ${what}`)).toEqual(
    expect.arrayContaining(['carol created', 'olga moved-to-testbed', 'olga submitted', 'carol archived']),
  )
})

test('a run is cancelled, submitted with what it left, and nothing is taken that nobody has', async () => {
  const id = await ready('run holds', 'north/two')
  await ask('run', id, '--as', 'olga')
  await until(id, 'north/two', 'running')
  expect(await ask('show', id)).toMatch(/north\/two +running +1 under way\n/)
  expect(await say('terminate', id, '--as', 'olga')).toEqual(refused(/is running: cancel its run first/))
  expect(await say('submit', id, '--as', 'olga')).toEqual(refused(/wait for its end, or cancel its run/))
  await ask('cancel', id, '--reason', 'too loud', '--as', 'carol')
  await until(id, 'north/two', 'running cancelled at run')
  expect(await say('cancel', id, '--as', 'olga')).toEqual(refused(/is cancelled already: carol has done so/))
  expect(await say('submit', id, '--as', 'olga')).toEqual(refused(/was cancelled by carol at .* UTC: run it again$/m))
  expect(await ask('show', id)).toMatch(/north\/two +running +1 cancelled at run +cancelled at run +too loud\n/)
  expect(await say('submit', id, '--accept-partial', '--as', 'olga')).toEqual(refused(/has left no results/))
  await ask('terminate', id, '--reason', 'enough', '--as', 'olga')
  expect(await json('show', id)).toMatchObject({ mode: 'Idle', attempt: 2 })
})

test('partial results are taken where that is said', async () => {
  const id = await ready('run fails', 'north/two')
  await ask('run', id, '--as', 'olga')
  await until(id, 'north/two', 'cleaned failed at run')
  await ask('submit', id, '--accept-partial', '--site', 'north', '--as', 'olga')
  await until(id, 'north/two', 'done')
})

test('a reason of several lines is told whole, once for all whom it is about', async () => {
  const id = await make('fetch fails in lines', 'rover', 'north, south')
  await ask('initiate', id, '--as', 'carol')
  await until(id, 'north/self', 'fetching failed at fetch')
  const [table = '', below, waits] = (await ask('show', id)).split('\n\n').slice(1)
  expect(table.match(/fetch of portal\/self broke: 2 mistakes: …/g)).toHaveLength(2)
  expect(below).toBe(
    'north/self, south/self failed at fetch:\n  fetch of portal/self broke: 2 mistakes:\n  - one\\x1b[31m\n  - two',
  )
  expect(waits).toMatch(
    /^WAITS FOR +WHAT.*\noperator +retry +fetch +portal\/self\nuser +terminate +fetch +portal\/self\n$/,
  )
  expect(await ask('history', id)).toContain(`are whole in: millrace experiment history ${id} --json\n`)
})

test('what has failed is retried, be it at one site or at several', async () => {
  const id = await make('build fails once', 'rover', 'north, south')
  await ask('initiate', id, '--as', 'carol')
  for (const site of ['north', 'south']) await until(id, `${site}/self`, 'building failed at build')
  expect(await say('retry', id, '--as', 'carol')).toEqual(refused(/carol may not retry .* that takes an operator/))
  await ask('retry', id, '--as', 'olga')
  for (const site of ['north', 'south']) await until(id, `${site}/self`, 'built')
  expect(await say('retry', id, '--as', 'olga')).toEqual(refused(/No step of .* has failed/))
  expect(await say('retry', id, '--part', 'north', '--step', 'build', '--as', 'olga')).toEqual(refused(/north/))
  await ask('terminate', id, '--reason', 'wrong branch', '--as', 'carol')
  expect(await say('terminate', id, '--as', 'carol')).toEqual(refused(/is terminated already/))
})

test('an administrator approves or declines what a project asks that for', async () => {
  const [one, other] = [await make('one', 'strict'), await make('other', 'strict')]
  expect(await say('initiate', one, '--as', 'carol')).toEqual(refused(/to be approved by an administrator first/))
  expect(await say('approve', one, '--as', 'olga')).toEqual(refused(/olga may not approve .* an administrator/))
  expect(await say('decline', one, '--as', 'ada')).toMatchObject({ code: 2, output: expect.stringMatching(/--reason/) })
  await ask('approve', one, '--reason', 'safe', '--as', 'ada')
  await ask('initiate', one, '--as', 'carol')
  await ask('decline', other, '--reason', 'too close to people', '--as', 'ada')
  const why = 'ada declined it: too close to people'
  expect(await json('show', other)).toMatchObject({ approval: 'declined', declined: why, waits: [{ reason: why }] })
  expect(await say('initiate', other, '--as', 'carol')).toEqual(refused(/was declined\. Change it/))
  await ask('update', other, '--git', 'https://git.example/farther.git', '--as', 'carol')
  expect(await json('show', other)).toMatchObject({ approval: 'asked', source: 'https://git.example/farther.git' })
})

test('its user says who else may what they may, and where its results go', async () => {
  const id = await make('Shared')
  expect(await say('initiate', id, '--as', 'emil')).toEqual(refused(/its creator or one of its experimenters/))
  expect(await say('set-experimenters', id, '--as', 'carol')).toEqual({
    code: 2,
    output: expect.stringMatching(/--who/),
  })
  await ask('set-experimenters', id, '--who', 'emil', '--as', 'carol')
  await ask('set-cloud-link', id, '--cloud', 'directory:emil/dawn', '--as', 'emil')
  expect(await say('set-cloud-link', id, '--cloud', 'ftp://nowhere', '--as', 'emil')).toEqual({
    ...{ code: 2, output: expect.stringMatching(/^This is no link for results: /) },
  })
  await ask('set-experimenters', id, '--nobody', '--as', 'emil')
  expect(await say('initiate', id, '--as', 'emil')).toEqual(refused(/emil may not initiate/))
})

test('each step is refused before the one that it needs, with a sentence', async () => {
  const id = await make('Early')
  for (const [verb, words] of [
    ['ready', /is idle: its user initiates its development first/],
    ['run', /is idle: its user initiates its development first/],
    ['cancel', /No run of .* is open/],
    ['terminate', /is idle: there is nothing to terminate/],
  ] as const)
    expect(await say(verb, id, '--as', 'olga')).toEqual(refused(words))
  expect(await say('setup', id, '--node', 'north/one', '--as', 'olga')).toEqual(refused(/is idle/))
  await ask('initiate', id, '--as', 'carol')
  expect((await json('initiate', id, '--as', 'carol')).events).toEqual([])
  await until(id, 'north/self', 'built')
  expect(await say('setup', id, '--node', 'south/three', '--as', 'olga')).toEqual(
    refused(/is not for south, but for north/),
  )
  expect(await say('ready', id, '--as', 'olga')).toEqual(refused(/is not in the testbed of north yet/))
  expect(await say('run', id, '--site', 'south', '--as', 'olga')).toEqual(refused(/is not at south in this attempt/))
  for (const verb of ['approve', 'archive', 'retry', 'run'])
    expect(await say(verb, 'rover-zzzzzz', '--as', 'ada')).toMatchObject({ code: 5 })
  expect(await say('run', 'nothing')).toMatchObject({ code: 2, output: expect.stringMatching(/rover-7k2m9x/) })
  expect((await run('experiment', 'fly', id)).code).toBe(2)
})

test('a node is kept free, which is undone', async () => {
  const span = ['--project', 'rover', '--from', '2126-01-31T08:00Z', '--until', '2126-01-31T18:00Z', '--as', 'olga']
  const { reservation } = await json('reserve', 'north/one', ...span)
  expect(await say('reserve', 'north/one', ...span)).toEqual(
    refused(/kept free for rover .*: millrace experiment unreserve north\/one r-/),
  )
  expect(await say('unreserve', 'north/one', reservation, '--as', 'carol')).toEqual(refused(/carol/))
  await ask('unreserve', 'north/one', reservation, '--reason', 'rain', '--as', 'olga')
  expect(await ask('reservations', '--node', 'north/one', '--as', 'olga')).toBe('none\n')
})

test('of a run whose host is away is told since when nothing was heard of it', async () => {
  const id = await ready('run holds', 'south/three')
  await ask('run', id, '--as', 'olga')
  await until(id, 'south/three', 'running')
  const bus = await openBus({ url: url(), principal: 'south' })
  onTestFinished(() => bus.close())
  const step = { part: 'south/three', step: 'run', agent: 'run-three', attempt: 1, try: 1 }
  const data = { ...step, delivery: 2, instance: 'another', host: 'nobody' }
  const started = await askOwner(bus, { address: addressOfExperiment(id), type: 'experiment.start-step', data })
  expect(started).toMatchObject({ accepted: true })
  await expect
    .poll(() => ask('show', id, '--as', 'carol'))
    .toMatch(/south\/three +running, \S+ not heard since \d\d:\d\d UTC +1 under way\n/)
  expect(await ask('ls', '--as', 'carol')).toMatch(new RegExp(`${id} .* running, not heard since \\d\\d:\\d\\d UTC `))
})

function refused(words: RegExp) {
  return { code: 3, output: expect.stringMatching(words) }
}
