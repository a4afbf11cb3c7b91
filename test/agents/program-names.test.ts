import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openBus } from '#bus/jetstream'
import { eventsOf } from '../events.ts'
import { startNats } from '../nats.ts'
import { millrace, stop, temporaryFolders } from '../processes.ts'
import { eventually } from './on-disk.ts'
import { many } from './program-names-config.ts'

const newFolder = temporaryFolders()

/** Names that a file can have, and that shells, URLs, JSON, patterns and careless checks of paths take for something else. */
const names = [
  ...['new\nline', 'ends\n', 'return\rhere', 'tab\there', 'line\u2028and\u0085paragraph', '\u001b[31mred'],
  ...[
    `'single' quotes`,
    `"double" quotes`,
    '`back` quotes',
    '$(touch pwned)',
    'back\\slash',
    '%2e%2e%2fx',
    '*',
    '{"a":1}',
  ],
  ...['-rf', '--', ' space before and after ', 'ünï © 🦀', 'e\u0301 in two parts', '~', '.hidden'],
  ...['a..b', '...', 'a'.repeat(255), `${'ü'.repeat(126)}..x`],
]

/** A host that runs the pipelines of programs, and what it records. */
const started = async () => {
  const [nats, base] = [await startNats(), newFolder()]
  const host = millrace([
    ...['agent', 'test/agents/program-names-config.ts', '--nats', nats.url, '--name', 'names'],
    ...['--base', base, '--state', join(base, 'state')],
  ])
  onTestFinished(async () => {
    await stop(host)
    await nats.stop()
  })
  await host.says(/names is ready/)
  const bus = await openBus({ url: nats.url, principal: 'judge' })
  onTestFinished(bus.close)
  const facts = async <T = { path: string; digest: string }>(type: string, scope: string): Promise<T[]> =>
    (await eventsOf(bus)).flatMap((one) => (one.type === type && one.address.scope === scope ? [one.data as T] : []))
  return { base, facts, host }
}

test('a program finds files of every name in its input, and reports artifacts of every name', async () => {
  const { base, facts } = await started()
  expect(names).toHaveLength(many)
  const content = (name: string) => Buffer.concat([Buffer.from([0, 0xff, 10]), Buffer.from(name)])
  for (const name of names) writeFileSync(join(base, 'copying/inbox', name), content(name))
  const ended = await eventually(async () => {
    const [succeeded, failed] = [await facts('run.succeeded', 'copying'), await facts('run.node-failed', 'copying')]
    return succeeded.length + failed.length > 0 && { failed }
  })
  expect(ended.failed).toEqual([])
  const copied = (name: string) => Buffer.concat([Buffer.from('copied: '), content(name)])
  const digests = (of: (name: string) => Buffer) =>
    names.map((path) => expect.objectContaining({ path, digest: hash('sha256', of(path)) }))
  const byPath = <T extends { path: string }>(all: readonly T[]) =>
    all.toSorted((a, b) => names.indexOf(a.path) - names.indexOf(b.path))
  expect(byPath(await facts('artifact.used', 'copying'))).toEqual(digests(content))
  expect(byPath(await facts('artifact.saved', 'copying'))).toEqual(digests(copied))
  for (const name of names) expect(readFileSync(join(base, 'copying/outbox', name))).toEqual(copied(name))
  expect(readdirSync(join(base, 'copying')).toSorted()).toEqual(['copies', 'inbox', 'outbox'])
}, 60_000)

test('a program that reports an artifact outside its store fails, and nothing is written there', async () => {
  const { base, facts } = await started()
  const outside = join(base, 'absolute')
  const paths = [
    ...['../above', 'deep/../../above', '..', '.', 'a/../b', './dotted', 'a//b', '/', 'link/through', 'nul\0', outside],
    ...['.millrace-tmp/x', 'trailing/', `${'long'.repeat(64)}`],
  ]
  mkdirSync(join(base, 'straying/outbox/a'))
  const all = () => execFileSync('find', [base, '-printf', '%P\\n'], { encoding: 'utf8' }).split('\n')
  const before = all()
  writeFileSync(join(base, 'straying/inbox/paths'), JSON.stringify(paths))
  await eventually(async () => (await facts('run.failed', 'straying')).length > 0)
  const [failed] = await facts<{ how: string; reason: string }>('run.node-failed', 'straying')
  expect(failed).toMatchObject({ how: 'errored', reason: expect.stringContaining('../above') })
  expect((await facts('artifact.saved', 'straying')).map(({ path }) => path)).toEqual(['allowed'])
  const added = all().filter((one) => !before.includes(one))
  expect(added.filter((one) => !/^state\b/.test(one)).toSorted()).toEqual([
    ...['straying/inbox/paths', 'straying/outbox/.millrace-tmp', 'straying/outbox/allowed', 'straying/outbox/link'],
  ])
}, 60_000)
