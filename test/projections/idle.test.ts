import { expect, test } from 'vitest'
import { idleAfter, idleIn } from '#projections/idle'
import type { Last, Present } from '#projections/presence'

const begun = Date.parse('2026-01-01T00:00:00Z')
const definitions = [
  { pipeline: 'old', at: begun },
  { pipeline: 'root', at: begun },
]
const node = (part: string, more: { host?: string; isAsked?: boolean } = {}) => ({
  ...{ part, pipeline: part.split('/')[0] ?? '', host: null, isAsked: false },
  ...more,
})
const nodes = [node('old/a'), node('old/b'), node('root/a', { host: 'hub' })]
const gone = (stoppedAt: number | null) => new Map<string, Last>([['old/a', { host: 'gone', stoppedAt }]])
const looking = (at: number, seen?: number): Present => ({ hosts: [], since: begun, at, seenAt: () => seen })
const [day, later] = [86_400_000, begun + 2 * idleAfter]

test('a pipeline that no host has run for a week is told apart, and since when', () => {
  const said = [{ pipeline: 'old', since: new Date(begun + day).toISOString() }]
  expect(idleIn(definitions, nodes, gone(begun + day), looking(later))).toEqual(said)
  expect(idleIn(definitions, nodes, gone(null), looking(later, begun + day))).toEqual(said)
})

test('one that was run, defined or perhaps there within a week is not', () => {
  expect(idleIn(definitions, nodes, gone(later - day), looking(later))).toEqual([])
  expect(idleIn(definitions, nodes, gone(null), looking(later, later - day))).toEqual([])
  expect(idleIn([{ pipeline: 'old', at: later - day }], nodes, gone(begun), looking(later))).toEqual([])
  // Nobody saw its host go, and nobody has looked for a week yet.
  const present = { ...looking(later), since: later - day }
  expect(idleIn(definitions, nodes, gone(null), present)).toEqual([])
})

test('one that a run waits for is not, however long its host is away', () => {
  const waiting = [node('old/a', { isAsked: true }), node('old/b'), node('root/a', { host: 'hub' })]
  expect(idleIn(definitions, waiting, gone(begun), looking(later))).toEqual([])
})
