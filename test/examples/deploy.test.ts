import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, millrace, stop, temporaryFolders } from '../processes.ts'

const folder = temporaryFolders()()

test('a number that is good enough starts a run, and each step of an action is taken when it is for', async () => {
  const [web, nats] = [await freePort(), await freePort()]
  const state = join(folder, 'state')
  const args = ['up', 'examples/deploy/deploy.ts', '--base', folder, '--state', state]
  const up = millrace([...args, '--port', String(web), '--nats-port', String(nats)])
  await up.says(/Ctrl-C stops/)
  const ask = async (...words: string[]) => {
    const { ended, output } = millrace([...words, '--state', state, '--nats', `nats://127.0.0.1:${nats}`])
    expect(await ended, output()).toBe(0)
    return output()
  }
  for (const accuracy of ['0.7', '0.95', '1', '1.2']) await ask('metrics', 'log', 'accuracy', accuracy)
  for (const [run, outcome] of ['succeeded', 'failed', 'failed'].entries())
    await up.says(new RegExp(`run deploy/${run} ${outcome}`))

  const steps = async (run: number) =>
    (await ask('runs', 'logs', String(run)))
      .split('\n')
      .flatMap((line) => /(before|on\w+|after): .*/.exec(line)?.[0] ?? [])
  const [first, last] = [(run: number) => `before: run ${run} makes room`, 'after: tidies up, whatever happened']
  expect(await steps(0)).toEqual([first(0), 'onSuccess: tells everybody', last])
  expect(await steps(1)).toEqual([first(1), 'onFailure: nothing is always right: it has seen the answers', last])
  expect(await steps(2)).toEqual([first(2), 'onError: RangeError: an accuracy is 1 at most', last])
  const runs = (await ask('runs', 'ls', '--trigger', 'metric', '--json')).trim().split('\n')
  expect(runs.map((line) => JSON.parse(line) as object)).toMatchObject([
    { run: 'deploy/2', message: 'accuracy is 1.2' },
    { run: 'deploy/1', message: 'accuracy is 1' },
    { run: 'deploy/0', message: 'accuracy is 0.95' },
  ])
  expect(readdirSync(join(folder, 'deploy-artifacts/deployed')).filter((name) => !name.startsWith('.'))).toEqual([
    'model0.txt',
  ])
  expect(readFileSync(join(folder, 'deploy-artifacts/deployed/model0.txt'), 'utf8')).toBe('deployed with 0.95\n')
  expect(await stop(up)).toBe(0)
}, 90_000)
