import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { candidatesFor } from '../../src/cli/complete.ts'
import { experimentVerb } from '../../src/cli/experiments.ts'
import { withPortalOnly } from './experiment-bed.ts'

const { ask, say, newFolder, url } = withPortalOnly()

/** Makes an experiment of carol's, and gives its id. */
const make = async (...more: readonly string[]): Promise<string> => {
  const resource = join(newFolder(), 'resource.yaml')
  writeFileSync(resource, 'nodeType: Rover\ncapabilities: [lidar]\ncount: 1\nsites: [north]\nhours: 1\n')
  const about = ['--project', 'rover', '--name', 'Dawn', '--git', 'https://git.example/a.git', '--resource', resource]
  return JSON.parse(await ask('create', ...about, ...more, '--json', '--as', 'carol')).experiment
}

const linesOf = (output: string) =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

test('an experiment is described anew, and what is left out stays as it is', async () => {
  const id = await make('--ref', 'main', '--description', 'before')
  const source = async () => JSON.parse(await ask('show', id, '--json')).source
  await ask('update', id, '--name', 'Dusk', '--description', 'after', '--as', 'carol')
  expect(await ask('show', id)).toMatch(/name: +Dusk\n/)
  expect(await source()).toBe('https://git.example/a.git (main)')
  await ask('update', id, '--git', 'https://git.example/b.git', '--as', 'carol')
  expect(await source()).toBe('https://git.example/b.git (main)')
  await ask('update', id, '--no-ref', '--as', 'carol')
  expect(await source()).toBe('https://git.example/b.git')
  const copy = JSON.parse(await ask('clone', id, '--as', 'emil', '--json')).experiment
  expect(JSON.parse(await ask('show', copy, '--json')).name).toBe('Dusk')
  expect(await say('update', id, '--as', 'carol')).toMatchObject({
    code: 2,
    output: expect.stringMatching(/give --name/),
  })
  expect(await say('update', id, '--name', 'Mine', '--as', 'emil')).toMatchObject({
    code: 3,
    output: expect.stringMatching(/emil/),
  })
})

test('everybody says how they want to be told, and what they leave out stays as it is', async () => {
  expect(await ask('preferences', '--as', 'carol')).toMatch(
    /mail: +\nwebhook: +\nwhen: +waits-for-me, failed, finished/,
  )
  await ask('preferences', '--mail', 'carol@example.org', '--as', 'carol')
  await ask('preferences', '--when', 'failed', 'step', '--webhook', 'https://example.org/told', '--as', 'carol')
  const told = async () => JSON.parse(await ask('preferences', '--json', '--as', 'carol'))
  expect(await told()).toMatchObject({
    ...{ name: 'carol', roles: ['member'], mail: 'carol@example.org', webhook: 'https://example.org/told' },
    occasions: ['failed', 'step'],
  })
  await ask('preferences', '--no-webhook', '--as', 'carol')
  expect(await told()).not.toHaveProperty('webhook')
  expect(await ask('preferences', '--as', 'emil')).not.toMatch(/carol@/)
  expect(await say('preferences', '--mail', 'nowhere', '--as', 'carol')).toMatchObject({
    code: 2,
    output: expect.stringMatching(/mail/),
  })
})

test('reservations are listed, of one node and in a span of days', async () => {
  const keep = (from: string, until: string) =>
    ask('reserve', 'north/one', '--project', 'rover', '--from', from, '--until', until, '--as', 'olga')
  await keep('2126-01-31T08:00Z', '2126-01-31T18:00Z')
  await keep('2126-02-05T08:00Z', '2126-02-05T18:00Z')
  const listed = async (...words: readonly string[]) =>
    linesOf(await ask('reservations', ...words, '--json', '--as', 'olga')).map(({ startsAt }) => startsAt.slice(0, 10))
  expect(await listed()).toEqual(['2126-01-31', '2126-02-05'])
  expect(await listed('--node', 'north/one', '--from', '2126-02-01')).toEqual(['2126-02-05'])
  expect(await listed('--site', 'north', '--until', '2126-02-01')).toEqual(['2126-01-31'])
  expect(await ask('reservations', '--node', 'north/two', '--as', 'olga')).toBe('none\n')
  expect(await ask('reservations', '--as', 'carol')).toMatch(/^PART +STARTS +ENDS +PROJECT/)
  expect(await ask('nodes', '--as', 'olga')).not.toMatch(/kept for/)
  const moment = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
  await keep(moment(-1), moment(1))
  expect(await ask('nodes', '--as', 'olga')).toMatch(/north\/one .* free.*, kept for rover until \d{4}-/)
})

test('experiments, end nodes and sites are offered where a command line goes on', async () => {
  const id = await make()
  const offered = async (...words: readonly string[]) => {
    const program = new Command('millrace')
    experimentVerb(program)
    const all = ['experiment', words[0] ?? '', '--nats', url(), '--as', 'olga', ...words.slice(1)]
    return (await candidatesFor(program, all)).map(({ name }) => name)
  }
  expect(await offered('show', id.slice(0, 8))).toContain(id)
  expect(await offered('setup', id, '--node', '')).toEqual(['north/one'])
  expect(await offered('reserve', 'no')).toEqual(['north/one'])
  expect(await offered('nodes', '--site', '')).toEqual(['north'])
  expect(await offered('preferences', '--when', 'f')).toEqual(['failed', 'finished'])
})

test('what is wrong is told with what was expected, where, and what to do', async () => {
  const id = await make()
  const wrong = async (...words: readonly string[]) => {
    const { code, output } = await say(...words)
    return [code, output.trim().replaceAll(/\s+/g, ' ')]
  }
  const at = join(newFolder(), 'resource.yaml')
  const creating = (text: string, project = 'rover', git = 'https://git.example/a.git') => {
    writeFileSync(at, text)
    const about = ['--project', project, '--name', 'Dawn', '--git', git, '--resource', at, '--as', 'carol']
    return wrong('create', ...about)
  }
  const resource = (type: string) => `nodeType: ${type}\nsites: [north]\nhours: 1\n`
  const told = (code: number, words: RegExp) => [code, expect.stringMatching(words)]
  expect(await creating(resource('Rover'), 'boat')).toEqual(told(5, /no project boat\. The portal knows: rover/))
  const linking = (project: string, who: string) =>
    wrong(
      ...['create', '--project', project, '--name', 'Dawn', '--git', 'https://git.example/a.git', '--resource', at],
      ...['--cloud', 'directory:carol', '--as', who],
    )
  expect(await linking('boat', 'carol')).toEqual(told(5, /no project boat\. Yours are: rover/))
  expect(await linking('rover', 'olga')).toEqual(told(3, /olga is no member of the project rover/))
  expect(await creating(resource('Boat'))).toEqual(
    told(3, /north has no end nodes of type Boat, and 1 is asked for\. See: millrace experiment nodes/),
  )
  expect(await creating(resource('Rover'), 'rover', 'https://evil.example/a')).toEqual(
    told(3, /Allowed are: git\.example\. Others have to be in gitHosts/),
  )
  expect(await creating(resource('Rover'), 'rover', 'git.example/a')).toEqual(
    told(2, /option '--git <link>' argument 'git\.example\/a' is invalid\. This is no Git link; expected https:/),
  )
  expect(await creating('nodeType: Rover\nhours: 13\n')).toEqual(
    told(2, /resource.yaml:1: sites: is missing.*resource.yaml:2: hours: expected a number from 1 to 12/),
  )
  for (const verb of ['show', 'logs', 'history', 'results'])
    expect(await wrong(verb, 'rover-zzzzzz')).toEqual(
      told(5, /no experiment rover-zzzzzz\. See: millrace experiment ls/),
    )
  expect(await wrong('fetch', id, newFolder(), '--as', 'carol')).toEqual(told(5, /no result of .* once an operator/))
  expect(await wrong('setup', id, '--node', 'north', '--as', 'olga')).toEqual(told(2, /Expected <site>\/<node>/))
  expect(await wrong('submit', id, '--as', 'olga')).toEqual(told(3, /its user initiates its development first/))
  const span = ['--project', 'rover', '--from', '2126-03-01', '--until', '2126-03-02', '--as', 'olga']
  expect(await wrong('reserve', 'east/one', ...span)).toEqual(told(5, /no site east\. The portal knows: north/))
  expect(await wrong('preferences', '--mail', 'nowhere', '--as', 'carol')).toEqual(told(2, /such as carol@example.org/))
})
