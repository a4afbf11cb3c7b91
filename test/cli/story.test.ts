import { expect, test } from 'vitest'
import { contractOf } from '#contracts/all'
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

const retry = { part: 'p/train', attempt: 2, tries: 1, of: 5, delay: 8_000 }

test.each([
  ['run.paused', { by: 'request', reason: 'lunch' }, 'run p/3 paused: lunch  https://here/runs/p/3'],
  ['run.resumed', { by: 'pipeline' }, 'run p/3 resumed with its pipeline  https://here/runs/p/3'],
  ['run.cancelled', { reason: 'enough', unstopped: [] }, 'run p/3 cancelled: enough  https://here/runs/p/3'],
  [
    'run.timed-out',
    { reason: 'too long', unstopped: ['p/train'] },
    'run p/3 timed out: too long; perhaps not stopped: p/train  https://here/runs/p/3',
  ],
  ['run.node-retry-set', retry, 'p/train is tried again in 8 s at the earliest: retry 1 of 5'],
  ['run.node-cancelled', { part: 'p/train', attempt: 1, stopped: true, reason: 'enough' }, 'p/train cancelled: enough'],
  [
    'run.node-cancelled',
    { part: 'p/train', attempt: 1, stopped: false, reason: 'gpu-1 is silent' },
    'p/train left to itself: gpu-1 is silent',
  ],
  [
    'artifact.source-failing',
    { store: 'p/feed', reason: 'nobody is there' },
    'nothing can be seen in p/feed: nobody is there',
  ],
  ['artifact.source-back', { store: 'p/feed' }, 'p/feed can be seen again'],
  ['pipeline.paused', { reason: 'holidays' }, 'p paused: holidays'],
  ['pipeline.resumed', {}, 'p resumed'],
  ['pipeline.request-dropped', { request: 'r-1', reason: 'withdrawn' }, 'no run of p for request r-1: withdrawn'],
])('%s is told in a line', (type, data, told) => {
  const [aggregate = ''] = type.split('.')
  const address = { aggregate, scope: 'p', key: aggregate === 'run' ? '3' : 'self' }
  const event = { type, version: contractOf(type)?.version, address, data, time: '2026-01-02T03:04:05.006Z' }
  expect(storyOf(event as unknown as Recorded, 'https://here')).toBe(`2026-01-02T03:04:05.006Z ${told}`)
})
