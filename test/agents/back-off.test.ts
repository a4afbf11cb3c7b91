import { expect, test } from 'vitest'
import { pauseAfter } from '#agents/back-off'

test('work that broke rests a second at first, then ever longer, and a hundred tries outlast half an hour', () => {
  const pauses = Array.from({ length: 100 }, (_, at) => pauseAfter(at + 1))
  expect(pauses.slice(0, 10)).toEqual(Array(10).fill(1_000))
  expect(pauses).toEqual(pauses.toSorted((one, other) => one - other))
  expect(pauses.at(-1)).toBe(30_000)
  expect(pauses.reduce((sum, pause) => sum + pause)).toBeGreaterThan(1_800_000)
})
