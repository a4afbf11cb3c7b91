import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Fault, faults } from '#bus/fault'
import { exitCodeOf } from '../../src/cli/exit.ts'
import { inUrl, whole } from '../../src/cli/options.ts'
import { stopped } from '../../src/cli/signals.ts'
import { temporaryFolders } from '../processes.ts'
import { run } from './secured.ts'

const newFolder = temporaryFolders()

test.each([
  ['runs show abc', /'abc' is invalid.*Expected the number of a run, or <pipeline>/],
  ['runs ls --limit abc', /'abc' is invalid.*Expected a whole number from 1 to 1000/],
  ['artifacts ls --limit 1001', /'1001' is invalid/],
  ['up examples/simplest/simplest.ts --port abc', /'abc' is invalid.*Expected a whole number from 1 to 65535/],
  ['up examples/simplest/simplest.ts --nats-port 70000', /'70000' is invalid/],
  ['web examples/simplest/simplest.ts --port -1', /'-1' is invalid/],
  ['nats --port 4222x', /'4222x' is invalid/],
  ['agent examples/simplest/simplest.ts --log-level foo', /'foo' is invalid. Allowed choices are debug, info, warn/],
  ['help frob', /There is no verb frob/],
  ['help artifacts fetch', /There is no verb fetch of artifacts; known are ls, get, put/],
  ['tail --from abc', /'abc' is invalid.*Expected a position/],
  ['up examples/simplest --ephemeral --nats nats://127.0.0.1:1', /'--ephemeral' cannot be used with .*--nats/],
])('%s is refused as wrong usage, and says what was expected', async (words, expected) => {
  const { code, output } = await run(...words.split(' '))
  expect(output).toMatch(expected)
  expect(code).toBe(2)
})

test('a whole number is read, and nothing else', () => {
  expect(['0', '7', '1000'].map(whole(0, 1000))).toEqual([0, 7, 1000])
  for (const text of ['', '-1', '1.5', '1e2', ' 1', '0x1', '1001']) expect(() => whole(0, 1000)(text)).toThrow()
})

test('an address of version 6 stands in brackets in a URL', () => {
  expect([inUrl('::1'), inUrl('127.0.0.1'), inUrl('localhost')]).toEqual(['[::1]', '127.0.0.1', 'localhost'])
})

test('the exit code says what kind of failure it was', () => {
  expect(exitCodeOf(faults.nothingThere('run 7'))).toBe(5)
  expect(exitCodeOf(faults.noArtifact('a', 'b/c'))).toBe(5)
  expect(exitCodeOf(faults.missingBytes('abc', 'leaf'))).toBe(5)
  expect(exitCodeOf(faults.noStore('b/c'))).toBe(5)
  expect(exitCodeOf(faults.brokenQuery('runs', 'limit', []))).toBe(2)
  expect(exitCodeOf(faults.badCursor())).toBe(2)
  expect(exitCodeOf(faults.foreignPosition('a.1', 'b'))).toBe(2)
  expect(exitCodeOf(faults.exposed('0.0.0.0'))).toBe(2)
  expect(exitCodeOf(faults.unreachable('nats://x', undefined))).toBe(4)
  expect(exitCodeOf(new Fault('config.several', 'Say which'))).toBe(2)
  expect(exitCodeOf(new Fault('of.a.newer.version', 'Who knows'))).toBe(1)
  expect(exitCodeOf(new Error('a bug'))).toBe(1)
  expect(exitCodeOf(stopped)).toBe(130)
})

test('a config with several mistakes is refused with all of them at once, and the nearest right names', () => {
  const folder = newFolder()
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'bad.mjs'),
    `export const bad = { name: 'my pipeline', stores: { 'in box': { kind: 'filesystem-store', path: '', watch: 'yes' } },
      actions: { train: { kind: 'action', after: 'inbox', execute: 'run' } } }\n`,
  )
  const output = (() => {
    try {
      execFileSync(process.execPath, ['--conditions=source', 'src/cli/main.ts', 'agent', join(folder, 'bad.mjs')], {
        stdio: 'pipe',
      })
      return ''
    } catch (cause) {
      const { status, stderr } = cause as { status: number; stderr: Buffer }
      expect(status).toBe(2)
      return stderr.toString()
    }
  })()
  for (const path of ['bad.name', 'stores', 'bad.actions.train.after', 'bad.actions.train.execute'])
    expect(output).toContain(path)
})
