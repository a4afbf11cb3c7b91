import { expect, test } from 'vitest'
import { durationOf, inOne, inOneLine, momentOf, sizeOf, visible, withMoments } from '../../src/http/console/text.ts'

test('a moment that a function made up is shown as it is', () => {
  const said = 'no rows since 2024-01-01T00Z, last seen at 2024-13-45T99:99:99Z'
  expect(withMoments(said)).toBe(said)
  expect(momentOf('yesterday')).toBe('yesterday')
  expect(withMoments('last seen at 2026-01-02T03:04:05.678Z')).not.toContain('T03:04')
})

test('a new line is shown by the same sign in a name, and in a reason that has one line', () => {
  expect(visible('new\nline.txt')).toBe('new\\nline.txt')
  expect(inOneLine('no table in new\nline.txt\n    at read\n')).toBe('no table in new\\nline.txt\\nat read')
})

test('no line ends between a number and its unit, and one may anywhere else', () => {
  expect(inOneLine('It took longer than its timeout of 20 s')).toBe('It took longer than its timeout of 20\u00a0s')
  expect([durationOf(20_000), durationOf(62_000), sizeOf(2048), sizeOf(1)]).toEqual([
    '20.0\u00a0s',
    '1\u00a0min 2\u00a0s',
    '2\u00a0KiB',
    '1\u00a0byte',
  ])
  expect(inOneLine('2 sheep and 3 files')).toBe('2 sheep and 3 files')
})

test('what a program said in several lines is one, without a sign of a line’s end', () => {
  expect(inOne(' fatal: no access\n  and no\u0007 repository\n')).toBe('fatal: no access · and no\\u{7} repository')
})
