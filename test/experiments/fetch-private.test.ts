import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { experimentDecider } from '#agents/experiments/experiment'
import { fetchStep } from '#agents/experiments/fetch-step'
import type { Given } from '#agents/experiments/take-steps'
import { limits, newFolder } from './fetching.ts'
import { created, initiate, policy, story } from './story.ts'

/** What a fetch comes to where hosts are allowed by these names, and all others that are public. */
const fetched = (link: string, hosts: readonly string[]) => {
  const told = story().must('carol', created()).must('carol', initiate)
  const experiments = newFolder()
  const ran: string[] = []
  const take = fetchStep({ experiments, limits, local: false, hosts })
  const given = {
    ...{ id: 'rover-1', project: 'rover', experiment: told.known(), step: told.lastAsked('fetch') },
    plan: { source: { link }, resource: told.known().resource },
    ...{ say: () => undefined, phase: () => undefined, signal: AbortSignal.timeout(20_000) },
    run: (words: readonly string[]) => void ran.push(words.join(' ')),
  }
  const outcome = take(given as unknown as Given).then(
    () => 'fetched',
    (thrown: Error) => thrown.message,
  )
  return outcome.then((said) => ({ said, ran, began: existsSync(join(experiments, '.fetched')) }))
}

test.each([
  'https://localhost/x.git',
  'https://2130706433/x.git',
  'https://0x7f.1/x.git',
  'ssh://git@localhost:2222/x.git',
  'git@127.0.0.1:x.git',
  'https://169.254.169.254/x.git',
])('no code comes from %s unless its host is allowed by name', async (link) => {
  const { said, ran } = await fetched(link, ['*'])
  expect(said).toMatch(/^Code can't come from .* in a private network. Allow it by its name .*gitHosts/)
  expect(ran).toEqual([])
})

test('a host of a private network that is allowed by name is asked, and one without an address is not', async () => {
  const { said, ran } = await fetched('https://localhost:1/x.git', ['localhost', '*'])
  expect(said).toMatch(/So git said when it was to clone/)
  expect(ran).toHaveLength(1)
  expect((await fetched('https://nobody.invalid/x.git', ['*'])).said).toMatch(/^nobody.invalid can't be looked up/)
})

test('an address of a private network is refused when an experiment is created', () => {
  const withHosts = (...gitHosts: string[]) =>
    story(
      'rover-1',
      'rover',
      experimentDecider(() => ({ ...policy, gitHosts })),
    )
  const from = (link: string) => created({ source: { link } })
  for (const link of ['https://127.0.0.1/x.git', 'git@10.0.0.1:x.git', 'https://localhost/x.git'])
    expect(withHosts('*').ask('carol', from(link))).toMatchObject({
      refusal: 'host-not-allowed',
      detail: expect.stringContaining('* (all that are public)'),
    })
  withHosts('*').must('carol', from('https://git.example/x.git'))
  withHosts('*', '127.0.0.1').must('carol', from('https://127.0.0.1/x.git'))
})
