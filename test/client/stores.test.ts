import { expect, test } from 'vitest'
import { mustBeKnown } from '#client/known'
import { storeIn } from '#client/stores'
import type { Graph } from '#contracts/pipeline'

const storing = (pipeline: string, ...stores: readonly string[]): [string, Graph] => {
  const nodes = stores.map((name) => ({ name, kind: 'filesystem-store' as const }))
  return [pipeline, { pipeline, nodes } as unknown as Graph]
}
const known = new Map([storing('leaf', 'models', 'inbox'), storing('root', 'plots', 'inbox')])

test('a store may be named alone where only one pipeline has it', () => {
  expect(storeIn(known, 'plots')).toEqual({ pipeline: 'root', node: 'plots' })
  expect(storeIn(known, 'leaf/inbox')).toEqual({ pipeline: 'leaf', node: 'inbox' })
})

test('a store that several pipelines have is refused with their names, and one that none has is missing', () => {
  expect(() => storeIn(known, 'inbox')).toThrow('Say which: leaf/inbox, root/inbox')
  expect(() => storeIn(known, 'nope')).toThrow(expect.objectContaining({ code: 'store.unknown' }))
  expect(() => storeIn(known, 'root/plot')).toThrow("did you mean 'root/plots'?")
  expect(() => storeIn(new Map(), 'nope')).toThrow('none is known')
})

test('a pipeline that nobody has defined is missing, and those there are are named', () => {
  expect(mustBeKnown(known, 'leaf')).toBe('leaf')
  expect(() => mustBeKnown(known, 'nope-at-all')).toThrow('known are leaf, root')
  expect(() => mustBeKnown(new Map(), 'leaf')).toThrow(expect.objectContaining({ code: 'query.nothing' }))
})
