import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { Machine } from '#agents/machines/machine'
import { processesWith } from '../processes.ts'

const never = new AbortController().signal

/** Arguments that a shell would take apart, if one saw them. */
const odd = [
  '',
  ' ',
  "it's",
  '"',
  '$(id)',
  '`id`',
  ';id',
  '&& id',
  'a\nb',
  '\\',
  "\\'",
  '*',
  '~',
  '-n',
  'ü — 🜚',
  '%s',
  '!!',
  '#',
]

/** Waits until nothing runs any more whose command line holds a text. */
const nothingRuns = (text: string) => expect.poll(() => processesWith(text).map(({ command }) => command)).toEqual([])

/** What every machine must do. */
export const behavesLikeAMachine = (name: string, given: () => Machine, newFolder: () => string) =>
  describe(name, () => {
    test('says how a program ended, and what it said last', async () => {
      const ended = await given().run(['sh', '-c', 'echo out; echo wrong >&2; exit 7'], { signal: never })
      expect(ended).toEqual({ code: 7, killedBy: null, lastWords: 'wrong' })
      expect(await given().run(['echo', 'out'], { signal: never })).toEqual({
        code: 0,
        killedBy: null,
        lastWords: 'out',
      })
      const killed = await given().run(['sh', '-c', 'kill -9 $$'], { signal: never })
      expect(killed).toMatchObject({ code: null, killedBy: 'SIGKILL' })
    })

    test('hands on each line while the program still runs', async () => {
      const folder = newFolder()
      const heard: string[] = []
      const script = 'echo first; until [ -e go ]; do sleep 0.1; done; echo last; echo oops >&2'
      const hear = (stream: string, line: string) => {
        heard.push(`${stream} ${line}`)
        if (line === 'first') writeFileSync(join(folder, 'go'), '')
      }
      expect(await given().run(['sh', '-c', script], { signal: never, hear, folder })).toMatchObject({ code: 0 })
      expect(heard.toSorted()).toEqual(['stderr oops', 'stdout first', 'stdout last'])
    })

    test('gives a program its arguments as they are', async () => {
      const chunks: Buffer[] = []
      const output = new Writable({ write: (chunk, _, done) => done(void chunks.push(chunk)) })
      await given().run(['printf', '%s\\0', ...odd], { signal: never, output })
      expect(Buffer.concat(chunks).toString().split('\0').slice(0, -1)).toEqual(odd)
    })

    test('runs in a folder, with whatever name', async () => {
      const folder = join(newFolder(), "it's $(id); here")
      mkdirSync(folder)
      expect(await given().run(['pwd'], { signal: never, folder })).toMatchObject({ lastWords: folder })
    })

    test('says that there is no such program, no such folder, no such argument', async () => {
      const machine = given()
      await expect(machine.run(['no-such-program'], { signal: never })).rejects.toMatchObject({
        code: 'machine.no-program',
        message: `There is no program no-such-program at ${machine.name}. Install it there, or name it by its path`,
      })
      await expect(machine.run(['true'], { signal: never, folder: '/no/such' })).rejects.toMatchObject({
        code: 'machine.no-folder',
      })
      await expect(machine.run(['true'], { signal: never, folder: '-x' })).rejects.toMatchObject({
        code: 'machine.bad-name',
      })
      await expect(machine.run(['echo', 'a\0b'], { signal: never })).rejects.toThrow(/NUL|null bytes/)
      expect(await machine.run(['sh', '-c', 'exit 127'], { signal: never })).toMatchObject({ code: 127 })
    })

    test('ends a program with all that it started when it is told to', async () => {
      const folder = newFolder()
      const stopping = new AbortController()
      const script = 'sleep 1000 & echo ready; wait'
      const hear = (_: string, line: string) => line === 'ready' && stopping.abort(new Error('enough'))
      const run = given().run(['sh', '-c', script, folder], {
        signal: stopping.signal,
        hear: (a, b) => void hear(a, b),
      })
      await expect(run).rejects.toThrow('enough')
      await nothingRuns(folder)
    })

    test('kills a program that does not end when it is told to', async () => {
      const folder = newFolder()
      const stopping = new AbortController()
      const heard: string[] = []
      const script = 'trap "echo no" TERM; echo ready; while :; do sleep 0.1; done'
      const hear = (_: string, line: string) => {
        heard.push(line)
        if (line === 'ready') stopping.abort(new Error('enough'))
      }
      const run = given().run(['sh', '-c', script, folder], { signal: stopping.signal, hear })
      await expect(run).rejects.toThrow('enough')
      expect(heard).toContain('no')
      await nothingRuns(folder)
    })

    test('begins nothing once it is told to end', async () => {
      const run = given().run(['touch', '/tmp/must-not-be'], { signal: AbortSignal.abort(new Error('enough')) })
      await expect(run).rejects.toThrow('enough')
    })

    test('hands on 200 MiB as they are, and holds them back while nobody takes them', async () => {
      const bytes = 200 * 2 ** 20
      let [taken, most] = [0, 0]
      const before = process.memoryUsage().rss
      const output = new Writable({
        write: (chunk: Buffer, _, done) => {
          taken += chunk.length
          most = Math.max(most, process.memoryUsage.rss() - before)
          if (taken % (1 << 20) < chunk.length) setTimeout(done, 1)
          else done()
        },
      })
      const ended = await given().run(['head', '-c', String(bytes), '/dev/zero'], { signal: never, output })
      expect(ended).toMatchObject({ code: 0 })
      expect(taken).toBe(bytes)
      expect(most).toBeLessThan(120 * 2 ** 20)
    })

    test('ends a program whose output nobody takes any more, and says why', async () => {
      const output = new Writable({ write: (_chunk, _, done) => done(new Error('the disk is full')) })
      await expect(given().run(['yes', newFolder()], { signal: never, output })).rejects.toThrow('the disk is full')
    })

    test('runs more programs at once than one connection may', async () => {
      const folder = newFolder()
      const runs = Array.from({ length: 15 }, (_, at) => given().run(['echo', String(at)], { signal: never, folder }))
      expect((await Promise.all(runs)).map(({ lastWords }) => Number(lastWords))).toEqual(runs.map((_, at) => at))
    })
  })
