import { expect, test } from 'vitest'
import { judgeFiles, judgeMetric } from '#agents/pipelines/conditions'
import { unrunnable } from '#agents/pipelines/graph'
import type { Measured } from '#agents/pipelines/shape'

const fresh = [{ path: 'a', digest: 'd', size: 1 }]
const long = 'x'.repeat(1_000_000)

test('whatever a condition says fits a message', () => {
  const said = [
    () => long,
    () => ({ start: long }),
    () => {
      throw new Error(long)
    },
  ].map((trigger) => judgeFiles(trigger, fresh))
  expect(said.map(({ holds }) => holds)).toEqual([false, true, false])
  for (const one of said) expect(JSON.stringify(one).length).toBeLessThan(2_100)
})

test('a condition that is mistaken is told from one that waits', () => {
  const said = [
    () => 'two files are missing',
    () => {
      throw new Error('no')
    },
    () => 3 as unknown as boolean,
  ].map((trigger) => judgeFiles(trigger, fresh))
  expect(said.map((verdict) => !verdict.holds && verdict.mistaken)).toEqual([undefined, true, true])
  const measured = { metric: { run: null, key: 'a', value: 1, step: null } } as Measured
  const threw = judgeMetric(() => {
    throw new Error('no')
  }, measured)
  expect(threw).toEqual({ holds: false, reason: 'its condition threw: no', mistaken: true })
})

test('nodes that are joined more than a message holds are no run, and that is said', () => {
  const parts = Array.from({ length: 400 }, (_, n) => `p/node${n}-${'x'.repeat(20)}`)
  const nodes = parts.map((part, n) => ({ part, after: parts.slice(0, n) }))
  expect(unrunnable(nodes)?.reason).toMatch(/^its nodes and edges would be \d+ characters, and 500000 fit a message/)
})
