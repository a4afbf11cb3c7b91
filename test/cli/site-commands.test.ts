import { expect, test } from 'vitest'
import { millrace } from '../processes.ts'
import { withSites } from './simulated-bed.ts'

const { ask, make, ready, run, until, url } = withSites()

const lastLineOf = (output: string) => output.trim().split('\n').at(-1)
const build = (id: string, ...more: readonly string[]) => run('package-builder', '--pkg', id, ...more, '--as', 'olga')
const control = (id: string, ...more: readonly string[]) => run('control-module', '--exp', id, ...more, '--as', 'olga')

test('package-builder shows what a build prints, and ends as that does', async () => {
  const id = await make('build fails once')
  await ask('initiate', id, '--as', 'carol')
  await until(id, 'north/self', 'building failed at build')
  const { code, output } = await build(id)
  expect([
    code,
    output
      .replaceAll(/^\S+Z build north\/self: /gm, '')
      .trim()
      .split('\n'),
  ]).toEqual([...[0, [`north builds ${id}`, 'build for north/self', `The build of ${id} at north succeeded`]]])
  // One that is built is not built again.
  expect(await build(id, '--site', 'north')).toEqual({ code, output: expect.stringContaining('succeeded') })
})

test('package-builder ends with 6 where the build fails, and says why last', async () => {
  const id = await make('build fails')
  await ask('initiate', id, '--as', 'carol')
  await until(id, 'north/self', 'building failed at build')
  const { code, output } = await build(id)
  expect([code, lastLineOf(output)]).toEqual([6, `The build of ${id} at north failed: build of north/self broke`])
  // Whoever does not follow is told only that it was asked for.
  expect(await build(id, '--detach')).toEqual({ code: 0, output: `north builds ${id}\n` })
})

test('package-builder asks for the site where there is none to choose, or several', async () => {
  const [idle, several] = [await make('idle'), await make('several', 'rover', 'north, south')]
  expect(await build(idle)).toEqual({ code: 2, output: `${idle} is not being developed\n` })
  await ask('initiate', several, '--as', 'carol')
  expect(await build(several)).toEqual({
    ...{ code: 2, output: `${several} is at north, south: say which one with --site\n` },
  })
  await until(several, 'south/self', 'built')
  expect((await build(several, '--site', 'south')).code).toBe(0)
  expect(await build(several, '--site', 'east')).toEqual({
    code: 3,
    output: expect.stringMatching(/nothing to build at east/),
  })
  expect(await build('rover-zzzzzz', '--site', 'north')).toMatchObject({ code: 5 })
  expect(await run('package-builder', '--pkg', several, '--site', 'south', '--as', 'carol')).toMatchObject({ code: 3 })
})

test('control-module shows what runs print, and ends as they do, once more as well', async () => {
  const id = await ready('Sampling', 'north/one')
  for (const number of [1, 2]) {
    const { code, output } = await control(id)
    expect(output).toContain(`Run ${number} of ${id} on north/one\n`)
    // What the first run printed is no part of the second.
    expect(output.match(/ run north\/one: run for north\/one$/gm)).toHaveLength(1)
    expect([code, lastLineOf(output)]).toEqual([0, 'Collecting what it left on north/one succeeded'])
  }
  await ask('submit', id, '--as', 'olga')
  expect(await control(id)).toEqual({ code: 3, output: expect.stringMatching(/is submitted at north: clone it/) })
})

test('control-module ends with 6 where one of several runs fails, and says why last', async () => {
  const id = await ready('run fails at north/one', 'north/one', 'south/three')
  const { code, output } = await control(id)
  expect(output).toMatch(/^The run on south\/three succeeded$/m)
  expect([code, lastLineOf(output)]).toEqual([6, 'The run on north/one failed: run of north/one broke'])
  expect((await control(id, '--site', 'south')).code).toBe(0)
  expect((await control(id, '--site', 'east')).code).toBe(3)
  await ask('terminate', id, '--as', 'olga')
})

test.each(['probe', 'collect'])('control-module ends with 6 where the %s fails', async (step) => {
  const id = await ready(`${step} fails`, 'north/one')
  const { code, output } = await control(id)
  expect([code, lastLineOf(output)]).toEqual([6, expect.stringMatching(/ failed: \w+ of north\/\w+ broke$/)])
  await ask('terminate', id, '--as', 'olga')
})

test('control-module ends with 6 where somebody cancels the run', async () => {
  const id = await ready('run holds', 'north/one')
  const { ended, output } = millrace(['control-module', '--exp', id, '--as', 'olga', '--nats', url()])
  await until(id, 'north/one', 'running')
  await ask('cancel', id, '--reason', 'too loud', '--as', 'carol')
  expect([await ended, lastLineOf(output())]).toEqual([
    6,
    expect.stringMatching(/^The run on north\/one cancelled: .*too loud/),
  ])
  await ask('terminate', id, '--as', 'olga')
})

test('whoever stops following is told that it goes on, and it does', async () => {
  const [built, ran] = [await make('build holds'), await ready('run holds', 'north/one')]
  await ask('initiate', built, '--as', 'carol')
  await until(built, 'north/self', 'building')
  for (const [verb, option, id, what] of [
    ['package-builder', '--pkg', built, `The build of ${built} at north`],
    ['control-module', '--exp', ran, `Run 1 of ${ran}`],
  ] as const) {
    const { child, says, ended, output } = millrace([verb, option, id, '--as', 'olga', '--nats', url()])
    await says(/: (?:build|run) for north/)
    child.kill('SIGINT')
    expect([await ended, lastLineOf(output())]).toEqual([
      ...[130, `${what} goes on. See: millrace experiment logs ${id} --follow`],
    ])
  }
  await until(built, 'north/self', 'building')
  await until(ran, 'north/one', 'running')
  await ask('cancel', ran, '--as', 'olga')
  await ask('terminate', built, '--as', 'carol')
})
