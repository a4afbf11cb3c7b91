import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openRunners, type Services } from '#agents/pipelines/runners'
import { run } from '../processes.ts'
import { eventually, temporaryFolder } from './on-disk.ts'

const opened = () => {
  const host = new AbortController()
  onTestFinished(() => host.abort())
  const base = temporaryFolder()
  const configPath = join(import.meta.dirname, 'runners-config.ts')
  const runners = openRunners({ configPath, base, pipeline: 'awkward' }, host.signal)
  const [lines, calls]: [string[], unknown[]] = [[], []]
  const stop = new AbortController()
  const answered = async (of: string, verb: string, args: unknown): Promise<unknown> =>
    void calls.push([of, verb, args])
  const execute = (node: string, inputs = {}, call: Services['call'] = answered) =>
    runners.execute(
      { kind: 'run', node, run: { pipeline: 'awkward', number: 0, attempt: 1 }, inputs },
      {
        call,
        log: (_, message) => lines.push(message),
        turned: (phase) => lines.push(`turned ${phase}`),
        signal: stop.signal,
      },
    )
  const said = (word: string) =>
    eventually(async () => Number(lines.find((line) => line.startsWith(word))?.slice(word.length)))
  return { base, execute, lines, calls, said, stop: () => stop.abort() }
}

/** Whether a process runs; one that has ended and that nobody has asked about does not. */
const runs = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('what a function leaves running is ended with it, and does not hold up its result', async () => {
  const { execute, said } = opened()
  expect(await execute('leaves')).toEqual({ outcome: 'succeeded' })
  expect(runs(await said('left '))).toBe(false)
})

test('what a function leaves running and does not want to end is killed', async () => {
  const { execute, said } = opened()
  expect(await execute('clings')).toEqual({ outcome: 'succeeded' })
  await eventually(async () => !runs(await said('left ')))
})

test('a process that left the group of its function does not hold up the result either', async () => {
  const { execute, said } = opened()
  expect(await execute('escapes')).toEqual({ outcome: 'succeeded' })
  process.kill(await said('left '), 'SIGKILL')
})

test('what a function began and did not await is done before the function counts as done', async () => {
  const { execute } = opened()
  const done: string[] = []
  const slowly = async (_: string, verb: string) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    done.push(verb)
  }
  expect(await execute('forgets', {}, slowly)).toEqual({ outcome: 'succeeded' })
  expect(done.toSorted()).toEqual(['save', 'tag'])
})

test('what a function began and did not await is its failure where it breaks', async () => {
  const { execute } = opened()
  const broken = () => Promise.reject(new Error('the disk is full'))
  expect(await execute('forgets', {}, broken)).toMatchObject({ outcome: 'errored', reason: /the disk is full/ })
})

test('what a function only reads, and no longer waits for, does not hold it up', async () => {
  const { execute } = opened()
  const never = () => new Promise<never>(() => undefined)
  expect(await execute('tires', {}, never)).toEqual({ outcome: 'succeeded', message: 'went on without' })
})

test('nothing goes on for a function whose process has ended', async () => {
  const { execute } = opened()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const waits = (_: string, __: string, ___: unknown, signal: AbortSignal) =>
    new Promise<void>((_, reject) => {
      signal.addEventListener('abort', () => {
        resolve()
        reject(signal.reason)
      })
    })
  expect(await execute('quits', {}, waits)).toMatchObject({ outcome: 'errored' })
  await ended
})

test('a function that does not hear that it is to stop is ended, with what it started', async () => {
  const { execute, said, stop } = opened()
  const result = execute('blocks')
  const pids = [await said('left '), await said('myself ')]
  stop()
  expect(await result).toMatchObject({ outcome: 'errored' })
  expect(pids.map(runs)).toEqual([false, false])
})

test('a function that blocks its thread ends when its host is killed, with what it started', async () => {
  const host = run(process.execPath, ['--conditions=source', join(import.meta.dirname, 'runners-host.ts')])
  const pids = [await host.says(/left (\d+)/), await host.says(/myself (\d+)/)].map(([, pid]) => Number(pid))
  expect(pids.map(runs)).toEqual([true, true])
  host.child.kill('SIGKILL')
  await eventually(async () => !pids.some(runs))
})

test('where no process can be started, that is said to whoever wants one, and the host lives on', async () => {
  const { execPath } = process
  onTestFinished(() => {
    process.execPath = execPath
  })
  process.execPath = '/nowhere/node'
  const { execute } = opened()
  await expect(execute('reads')).rejects.toThrow(/No process can be started for reads: spawn \/nowhere\/node ENOENT/)
  process.execPath = execPath
  expect(await execute('reads')).toEqual({ outcome: 'succeeded', message: 'nothing' })
})

test('a watched store that offered nothing is an empty list', async () => {
  expect(await opened().execute('reads')).toEqual({ outcome: 'succeeded', message: 'nothing' })
})

test('what is printed is told by line, however it was cut on its way', async () => {
  const { execute, lines } = opened()
  await execute('stammers')
  expect(lines).toEqual(['one line', 'two lines', 'and an end'])
})

test('an artifact is recorded as used with the digest of the bytes that were read; others are refused', async () => {
  const { base, execute, calls } = opened()
  const file = join(base, 'a.txt')
  const offered = { path: 'a.txt', digest: hash('sha256', 'offered'), size: 7, file }
  writeFileSync(file, 'offered')
  expect(await execute('reads', { inbox: [offered] })).toEqual({ outcome: 'succeeded', message: 'offered' })
  expect(calls).toEqual([['inbox', 'used', { path: 'a.txt', digest: offered.digest }]])

  writeFileSync(file, 'changed')
  expect(await execute('reads', { inbox: [offered] })).toEqual({
    outcome: 'errored',
    reason: expect.stringMatching(/a\.txt in inbox has changed since it was offered: .* rerun/),
  })
  expect(calls).toHaveLength(1)
})

test('what a function logged before it threw is recorded, and its own error is what it broke by', async () => {
  const { execute, calls } = opened()
  expect(await execute('logsAndThrows')).toEqual({ outcome: 'errored', reason: 'its own reason' })
  expect(calls).toEqual([['metadata', 'metrics-logged', { metrics: [{ key: 'loss', value: 1 }] }]])
})

test('a process is used again where its function left nothing behind: the next one begins at once', async () => {
  const { execute } = opened()
  const first = await execute('tells')
  expect(first.outcome).toBe('succeeded')
  expect(await execute('tells')).toEqual(first)
  const began = performance.now()
  for (let n = 0; n < 20; n++) expect(await execute('tells')).toEqual(first)
  expect((performance.now() - began) / 20).toBeLessThan(50)
})

test.each([
  'lingers',
  'haunts',
  'moves',
  'leaves',
])('a process is not used again where its function %s', async (node) => {
  const { execute } = opened()
  const first = await execute(node)
  const second = await execute('tells')
  expect([first.outcome, second.outcome]).toEqual(['succeeded', 'succeeded'])
  expect(second).not.toEqual(first)
})

test('functions that run at once have a process each', async () => {
  const { execute } = opened()
  const all = await Promise.all(Array.from({ length: 3 }, () => execute('tells')))
  expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(3)
})

test('what a function printed is told before its result, also where its process is used again', async () => {
  const { execute, lines } = opened()
  for (let n = 1; n <= 3; n++) {
    await execute('chats')
    expect(lines).toHaveLength(1001 * n)
    expect(lines.slice(1001 * (n - 1)).map((line) => line.split(' ').at(-1))).toEqual(
      expect.arrayContaining(['0', '999', 'newline']),
    )
  }
})
