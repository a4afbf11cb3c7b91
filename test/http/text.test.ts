import { expect, test } from 'vitest'
import { momentOf, withMoments } from '../../src/http/console/text.ts'

test('a moment that a function made up is shown as it is', () => {
  const said = 'no rows since 2024-01-01T00Z, last seen at 2024-13-45T99:99:99Z'
  expect(withMoments(said)).toBe(said)
  expect(momentOf('yesterday')).toBe('yesterday')
  expect(withMoments('last seen at 2026-01-02T03:04:05.678Z')).not.toContain('T03:04')
})
