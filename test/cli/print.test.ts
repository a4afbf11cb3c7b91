import { expect, test, vi } from 'vitest'
import { fitting, printOne, printPage, printRows, timeOf } from '../../src/cli/print.ts'
import { lineOf } from '../../src/cli/run-logs.ts'
import { storyOf } from '../../src/cli/story.ts'

const printed = (act: () => void): string => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  act()
  const text = write.mock.calls.map(([part]) => String(part)).join('')
  write.mockRestore()
  return text
}

test('moments are shown in one form, under a head that people read', () => {
  const row = { number: 1, startedAt: 0, eventId: 'a' }
  expect(printed(() => printRows([row], ['number', 'startedAt', 'eventId'], false))).toBe(
    'NUMBER  STARTED                   EVENT ID\n1       1970-01-01T00:00:00.000Z  a\n',
  )
  expect(printed(() => printOne(row, false))).toBe('number:   1\nstarted:  1970-01-01T00:00:00.000Z\nevent id: a\n')
  expect(printed(() => printOne(row, true))).toBe(`${JSON.stringify(row)}\n`)
})

test('a cell has one line, and shows that there are more; a page says when it is not the last', () => {
  const rows = [{ reason: 'ValueError: boom\n  at x\n', host: 'here' }]
  expect(printed(() => printRows(rows, ['reason', 'host'], false))).toBe(
    'REASON              HOST\nValueError: boom …  here\n',
  )
  const complain = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  printed(() => printPage({ items: rows, next: null }, ['host'], false))
  expect(complain).not.toHaveBeenCalled()
  printed(() => printPage({ items: rows, next: 'x' }, ['host'], false))
  expect(complain).toHaveBeenCalledWith(expect.stringContaining('There are more'))
  complain.mockRestore()
})

test('a moment that is none is shown as it is', () => {
  expect([timeOf('soon'), timeOf('2026-01-02T03:04:05Z')]).toEqual(['soon', '2026-01-02T03:04:05.000Z'])
})

test('a line has the room that the terminal has, and is whole where there is none', () => {
  expect([fitting('abcdef', 4), fitting('abcd', 4), fitting('abcdef', undefined)]).toEqual(['abc…', 'abcd', 'abcdef'])
})

test('an event is told with its address where a console is known, and without a half one where none is', () => {
  const address = { aggregate: 'run', scope: 'p', key: '3' }
  const event = { type: 'run.succeeded', version: 1, address, data: {}, time: '2026-01-02T03:04:05.006Z' }
  const recorded = event as unknown as Parameters<typeof storyOf>[0]
  const told = '2026-01-02T03:04:05.006Z run p/3 succeeded'
  expect(storyOf(recorded, undefined)).toBe(told)
  expect(storyOf(recorded, 'https://here')).toBe(`${told}  https://here/runs/p/3`)
})

test.each([
  ['3 of 8', { progress: { done: 3, of: 8 } }, '3 of 8'],
  ['3: halfway', { progress: { done: 3 } }, '3: halfway'],
  ['3 of 8', { progress: { done: 3, of: 8 }, loss: 1 }, '3 of 8 {"loss":1}'],
  ['slow', { progress: { done: 3 } }, 'slow {"progress":{"done":3}}'],
  ['plain', undefined, 'plain'],
])('a line of a run says how far it has come once: %s %j', (text, more, said) => {
  const line = {
    at: 0,
    level: 'info',
    text,
    part: 'p/a',
    attempt: 1,
    delivery: 1,
    place: 1,
    ...(more && { more }),
  } as const
  expect(lineOf(line, true)).toBe(`1970-01-01T00:00:00.000Z INFO: ${said}`)
})
