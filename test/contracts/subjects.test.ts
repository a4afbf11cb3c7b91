import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nameFrom } from '#contracts/names'
import {
  addressOf,
  addressOfRun,
  askedBy,
  commandOf,
  historyOf,
  logOf,
  logsOf,
  printerOf,
  probeLog,
  workOf,
} from '#contracts/subjects'

test('an address and its subject say the same', () => {
  const token = fc.stringMatching(/^[\w-]{1,20}$/)
  fc.assert(
    fc.property(token, token, token, (aggregate, scope, key) => {
      expect(addressOf(historyOf({ aggregate, scope, key }))).toEqual({ aggregate, scope, key })
    }),
  )
})

test('the name of a run says where it is decided', () => {
  expect(historyOf(addressOfRun('root_pipeline/17'))).toBe('events.run.root_pipeline.17')
  expect(() => historyOf(addressOfRun('17'))).toThrow(/use letters/)
})

test.each(['', 'a.b', 'a b', '*', '>', 'ä', 'a\n'])('%j cannot be part of a subject', (key) => {
  expect(() => historyOf({ aggregate: 'run', scope: 'root', key })).toThrow(/use letters, digits, - and _/)
})

test.each(['events.run.root', 'events.run.root.1.2', 'commands.run.root.1', ''])('%j is no history', (subject) => {
  expect(addressOf(subject)).toBeUndefined()
})

test('any text becomes a name that can stand in a subject', () => {
  fc.assert(fc.property(fc.string(), (text) => /^[\w-]{1,128}$/.test(nameFrom(text))))
})

test('a request says its verb and who asks', () => {
  expect(askedBy(commandOf('run', 'root', 'start-node', 'box-leaf'))).toEqual({
    verb: 'start-node',
    principal: 'box-leaf',
  })
})

test('work is named by its event, dots and all', () => {
  expect(workOf('leaf', 'eval', 'artifact.root.x-1')).toBe('work.leaf.eval.artifact_root_x-1')
})

test('output is that of one part of an aggregate, and its subject says whose', () => {
  const subject = logOf('root_pipeline', '17', 'leaf_pipeline/haiku_eval')
  expect(subject).toBe('logs.root_pipeline.17.leaf_pipeline.haiku_eval')
  expect(printerOf(subject)).toEqual({ scope: 'root_pipeline', key: '17', part: 'leaf_pipeline/haiku_eval' })
})

test('output is looked for by aggregate, or by one part of it', () => {
  const run = { scope: 'root', key: '17' }
  expect(logsOf(run)).toBe('logs.root.17.*.*')
  expect(logsOf({ ...run, part: 'leaf/eval' })).toBe(logOf('root', '17', 'leaf/eval'))
  expect(() => logsOf({ ...run, key: '*' })).toThrow(/use letters, digits, - and _/)
})

test.each(['', 'eval', '/eval', 'leaf/', 'leaf/*', 'a/b/c', 'leaf.eval/x'])('%j is no part that prints', (part) => {
  expect(() => logOf('root', '17', part)).toThrow(TypeError)
})

test.each([
  probeLog,
  'logs.a.b.c',
  'logs.a.b.c.d.e',
  'logs.a.b.c.*',
  'events.a.b.c.d',
  '',
])('%j is no subject of output', (subject) => {
  expect(printerOf(subject)).toBeUndefined()
})
