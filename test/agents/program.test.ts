import { hash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openRunners, type Services } from '#agents/pipelines/runners'
import { temporaryFolder } from './on-disk.ts'

/** Executes actions of a config, and hears everything that they say and ask for. */
const opened = (pipeline: 'programs' | 'hooks') => {
  const host = new AbortController()
  onTestFinished(() => host.abort())
  const base = temporaryFolder()
  for (const folder of ['inbox', 'models']) mkdirSync(join(base, folder))
  const configPath = join(import.meta.dirname, 'program-config.ts')
  const runners = openRunners({ configPath, base, pipeline }, host.signal)
  const lines: string[] = []
  const calls: (readonly [node: string, verb: string, args: unknown])[] = []
  const stop = new AbortController()
  const answered: Services['call'] = async (node, verb, args) => {
    const { draft, ...said } = args as { draft?: string }
    calls.push([node, verb, draft === undefined ? args : { ...said, bytes: readFileSync(draft, 'utf8') }])
  }
  const phases: string[] = []
  const execute = (node: string, inputs = {}, call: Services['call'] = answered) =>
    runners.execute(
      { kind: 'run', node, run: { pipeline: 'root', number: 7, attempt: 2 }, inputs },
      {
        call,
        log: (level, message) => lines.push(level === 'warn' ? `warn: ${message}` : message),
        turned: (phase) => phases.push(phase),
        signal: stop.signal,
      },
    )
  const file = (text: string) => {
    const at = join(base, 'inbox/a b.txt')
    writeFileSync(at, text)
    return { path: 'a b.txt', digest: hash('sha256', text), size: text.length, file: at }
  }
  return { base, execute, lines, calls, phases, file, stop: () => stop.abort() }
}

/** Whether a process runs. */
const runs = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const eventually = async <T>(look: () => T | undefined | false): Promise<T> => {
  for (;;) {
    const found = look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('a program', () => {
  test('reports metrics, params, tags, progress, artifacts and a message by lines; all else is its log', async () => {
    const { execute, lines, calls } = opened('programs')
    expect(await execute('reports')).toEqual({ outcome: 'succeeded', message: 'trained' })
    expect(lines).toEqual(expect.arrayContaining(['a line of its log', '1 of 2']))
    expect(lines).toHaveLength(2)
    const said = calls.flatMap(([, verb, args]) =>
      verb === 'metrics-logged' ? (args as { metrics: unknown[] }).metrics : [[verb, args]],
    )
    expect(said).toEqual(
      expect.arrayContaining([
        { key: 'loss', value: 0.5, step: 1 },
        { key: 'loss', value: 'NaN', step: 2 },
        { key: 'loss', value: '-Infinity' },
        ['param', { key: 'rate', value: [1, { a: null }] }],
        ['runTag', { key: 'kind', value: 'test' }],
        ['save', { path: 'm.txt', tags: { a: 'b' }, bytes: 'weights' }],
      ]),
    )
    expect(said).toHaveLength(6)
  })

  test('finds its inputs in a file, and counts as having used them', async () => {
    const { execute, lines, calls, file } = opened('programs')
    const offered = file('a haiku')
    expect(await execute('readsInput', { inbox: [offered] })).toEqual({ outcome: 'succeeded' })
    const text = lines.join('\n')
    const input = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1))
    expect(input).toMatchObject({
      run: { pipeline: 'root', number: 7, attempt: 2 },
      node: 'programs/readsInput',
      inputs: { inbox: [offered] },
      stores: { models: { kind: 'filesystem-store', folder: expect.stringMatching(/models$/) } },
    })
    expect(text).toMatch(/MILLRACE_RUN=root\/7/)
    expect(calls).toEqual([['inbox', 'used', { path: 'a b.txt', digest: offered.digest }]])
  })

  test('is not handed bytes that are others than were offered', async () => {
    const { execute, file } = opened('programs')
    const offered = file('a haiku')
    file('another one')
    expect(await execute('readsInput', { inbox: [offered] })).toMatchObject({
      outcome: 'errored',
      reason: expect.stringMatching(/has changed since it was offered/),
    })
    rmSync(offered.file)
    expect(await execute('readsInput', { inbox: [offered] })).toMatchObject({
      outcome: 'errored',
      reason: expect.stringMatching(/a b\.txt in inbox is gone since it was offered.*Put it back/),
    })
  })

  test('says no, breaks with its last words, or is not there: each is told apart', async () => {
    const { execute } = opened('programs')
    expect(await execute('saysNo')).toEqual({ outcome: 'failed', reason: 'no better' })
    expect(await execute('exits')).toEqual({ outcome: 'errored', reason: 'sh ended with code 3: before it broke' })
    expect(await execute('isMissing')).toMatchObject({
      outcome: 'errored',
      reason: expect.stringMatching(/no program no-such-program-anywhere .*Install it/),
    })
  })

  test('is told of reports that are none, and goes on', async () => {
    const { execute, lines } = opened('programs')
    expect(await execute('mumbles')).toEqual({ outcome: 'succeeded' })
    expect(lines).toEqual([
      expect.stringMatching(/^warn: A report that can't be understood \(value: .*metric/),
      expect.stringMatching(/^warn: A report that is not JSON/),
      expect.stringMatching(
        /^warn: A report that can't be understood \('dance' is no report; known are metric, .*dance/,
      ),
      expect.stringMatching(/^warn: .* \('metrik' is no report; did you mean 'metric'\?\)/),
      expect.stringMatching(
        /^warn: .* \(value: expected a number, NaN, Infinity or -Infinity; step: expected a whole number\)/,
      ),
      '{"not":"ours"}',
    ])
  })

  test('fails where something that it reported cannot be recorded', async () => {
    const { execute } = opened('programs')
    expect(await execute('savesTwice')).toMatchObject({
      outcome: 'errored',
      reason: "The pipeline has no store 'nowhere'; it has metadata, inbox, models",
    })
  })

  test('tags artifacts and says which it used; a store that there is not is its failure', async () => {
    const { execute, calls } = opened('programs')
    const call: Services['call'] = async (node, verb, args) => {
      calls.push([node, verb, args])
      return verb === 'open' ? { path: 'm.txt', digest: 'd'.repeat(64), size: 1, file: '/x' } : undefined
    }
    expect(await execute('tagsAndUses', {}, call)).toEqual({ outcome: 'succeeded' })
    expect(calls).toEqual([
      ['models', 'tag', { path: 'm.txt', tags: { good: 'yes' } }],
      ['models', 'open', { path: 'm.txt' }],
      ['models', 'used', { path: 'm.txt', digest: 'd'.repeat(64) }],
    ])
    expect(await execute('tagsNowhere')).toEqual({
      outcome: 'errored',
      reason: "The pipeline has no store 'model'; did you mean 'models'? It has metadata, inbox, models",
    })
  })

  test('that reports a file which is none is told which, and where its paths begin', async () => {
    const { base, execute } = opened('programs')
    expect(await execute('savesNoFile')).toEqual({
      outcome: 'errored',
      reason: `The program reported the file out/x.txt, but there is no such file; its relative paths begin at ${base}`,
    })
    expect(await execute('savesFolder')).toMatchObject({
      reason: expect.stringMatching(/the file inbox, which is a folder: name a file/),
    })
  })

  test('a function that reads a store which there is not is told which there are', async () => {
    expect(await opened('programs').execute('readsNoStore')).toMatchObject({
      outcome: 'errored',
      reason: expect.stringContaining(
        "The pipeline has no store 'modles'; did you mean 'models'? It has metadata, inbox",
      ),
    })
  })

  test('is told to stop, with all that it started, and killed where it does not listen', async () => {
    const deaf = opened('programs')
    const result = deaf.execute('isDeaf')
    const pid = Number((await eventually(() => deaf.lines.find((line) => line.startsWith('pid ')))).slice(4))
    const began = performance.now()
    deaf.stop()
    expect(await result).toEqual({ outcome: 'errored', reason: 'It did not stop within 5 s, and was killed' })
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(runs(pid)).toBe(false)

    const obedient = opened('programs')
    const ended = obedient.execute('obeys')
    await eventually(() => obedient.lines.find((line) => line.startsWith('pid ')))
    obedient.stop()
    // It went quietly, with 0: nobody can tell that from having done its work.
    expect(await ended).toEqual({ outcome: 'errored', reason: 'sh was stopped' })
    expect(obedient.lines).toContain('stopping')
  })

  test('leaves nothing running behind it', async () => {
    const { execute, lines } = opened('programs')
    expect(await execute('leavesOne')).toEqual({ outcome: 'succeeded' })
    const pid = Number(lines.find((line) => line.startsWith('left '))?.slice(5))
    await eventually(() => !runs(pid))
  })

  test('may write what is no text, rewrite its line, and write no end of a line', async () => {
    const { execute, lines } = opened('programs')
    await execute('isNoText')
    expect(lines.splice(0)).toEqual(['caf\uFFFD \uFFFD\uFFFD end'])
    await execute('rewrites')
    expect(lines.at(-1)).toBe('done')
    expect(lines.splice(0).length).toBeLessThan(5)
    expect(await execute('hasNoEnd')).toEqual({ outcome: 'succeeded' })
    expect(lines.join('').length).toBe(3_000_000)
  })

  test('may write 100 MB: all of it is heard, and neither process grows with it', async () => {
    const { execute, lines } = opened('programs')
    const before = process.memoryUsage.rss()
    let heard = 0
    const warned: string[] = []
    lines.push = (line) => {
      heard += line.length + 1
      return line.startsWith('warn: ') ? warned.push(line) : 0
    }
    expect(await execute('floods')).toEqual({ outcome: 'succeeded' })
    expect(heard).toBeGreaterThan(99_999_900)
    expect(warned).toEqual([])
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024)
  })

  test('runs where it is told to, with its arguments as they are', async () => {
    const { execute, lines, base } = opened('programs')
    await execute('isElsewhere')
    expect(lines.splice(0)).toEqual([join(base, 'inbox')])
    await execute('odd')
    expect(lines).toEqual([`a b|$(rm x)|"|'||-n|*|`])
  })
})

describe('the steps of an action', () => {
  const taken = async (node: string) => {
    const { execute, lines, phases } = opened('hooks')
    const result = await execute(node)
    return { result, phases, steps: lines.filter((line) => /^(before|on\w+|after|the program)$/.test(line)) }
  }

  test('follow each other: before, then what it does, then what became of it, and after in any case', async () => {
    expect(await taken('succeeds')).toEqual({
      result: { outcome: 'succeeded', message: 'well' },
      steps: ['before', 'onSuccess', 'after'],
      phases: ['preparing', 'running', 'cleaning-up'],
    })
    expect(await taken('saysNo')).toMatchObject({
      result: { outcome: 'failed', reason: 'no better' },
      steps: ['before', 'onFailure', 'after'],
    })
    expect(await taken('throws')).toMatchObject({
      result: { outcome: 'errored', reason: 'execute broke' },
      steps: ['before', 'onError', 'after'],
    })
    expect(await taken('program')).toMatchObject({
      result: { outcome: 'succeeded' },
      steps: ['before', 'the program', 'after'],
    })
  })

  test('that break are its error, and stop nothing but themselves', async () => {
    expect(await taken('cannotBegin')).toMatchObject({
      result: { outcome: 'errored', reason: 'before broke' },
      steps: ['onError', 'after'],
    })
    expect(await taken('spoils')).toMatchObject({
      result: { outcome: 'errored', reason: 'onSuccess threw: onSuccess broke' },
      steps: ['before', 'after'],
    })
    expect(await taken('breaksTwice')).toMatchObject({
      result: {
        outcome: 'errored',
        reason: 'execute broke; onError threw: onError broke; after threw: after broke',
      },
      steps: ['before'],
    })
  })

  test('are not told of where there are none', async () => {
    expect((await taken('plain')).phases).toEqual([])
  })
})
