import { expect, test } from 'vitest'
import type { Recorded } from '#contracts/envelope'
import { storyOf } from '../../src/cli/story.ts'

test('what a rejected event says is shown on a terminal, not obeyed', () => {
  const event = {
    type: 'tracking.metric-logged',
    version: 1,
    data: { key: 'k', value: '\u001b]0;title\u0007', '\u001b[2J': 1 },
    position: 'log.1',
    address: { aggregate: 'tracking', scope: 'p', key: 'k' },
  } as unknown as Recorded
  expect(storyOf({ ...event, type: 'tracking.metric-logged\u001b[2J' }, undefined)).not.toMatch(/\p{Cc}/u)
  expect(storyOf(event, undefined)).toMatch(/^rejected: /)
})
