import { expect, test } from 'vitest'
import { treeOf } from '../../src/cli/lineage-tree.ts'

const artifact = (path: string) => ({
  kind: 'artifact' as const,
  id: path,
  store: 'p/store',
  path,
  digest: path.padEnd(64, '0'),
})
const execution = (part: string) => ({ kind: 'execution' as const, id: part, run: 'p/0', part })
const edge = (source: string, kind: string, target: string) => ({ source, target, kind, position: 'log.1' })

/** Two models of one training on one file, and a report on both. */
const lineage = {
  from: ['report'],
  things: [...['report', 'a', 'b', 'file'].map(artifact), ...['train', 'tell'].map(execution)],
  edges: [
    edge('tell', 'produced', 'report'),
    edge('a', 'used', 'tell'),
    edge('b', 'used', 'tell'),
    edge('train', 'produced', 'a'),
    edge('train', 'produced', 'b'),
    edge('file', 'used', 'train'),
    edge('file', 'used', 'train'), // By a second attempt.
  ],
  position: 'log.9',
}
const named = (path: string) => `p/store ${path} (${path.padEnd(12, '0')})`

test('what something came from is drawn below it, each thing once', () => {
  expect(treeOf(lineage, true)).toEqual([
    named('report'),
    '└─ produced by tell in run p/0',
    `   ├─ used ${named('a')}`,
    '   │  └─ produced by train in run p/0',
    `   │     └─ used ${named('file')}`,
    `   └─ used ${named('b')}`,
    '      └─ produced by train in run p/0 (above)',
  ])
})

test('what came of something is drawn the other way', () => {
  expect(treeOf({ ...lineage, from: ['file'] }, false)).toEqual([
    named('file'),
    '└─ used by train in run p/0',
    `   ├─ produced ${named('a')}`,
    '   │  └─ used by tell in run p/0',
    `   │     └─ produced ${named('report')}`,
    `   └─ produced ${named('b')}`,
    '      └─ used by tell in run p/0 (above)',
  ])
})

test('an execution downloads, whichever way that is read; a copy of a script stands beside what it came from', () => {
  const edges = [edge('a', 'downloaded', 'train'), edge('train', 'downloaded', 'b'), edge('a', 'downloaded', 'file')]
  const treeFrom = (from: string, back: boolean) => treeOf({ ...lineage, edges, from: [from] }, back)
  expect(treeFrom('a', false)).toEqual([
    named('a'),
    '├─ downloaded by train in run p/0',
    `│  └─ downloaded ${named('b')}`,
    `└─ downloaded as ${named('file')}`,
  ])
  expect(treeFrom('b', true)).toEqual([
    named('b'),
    '└─ downloaded by train in run p/0',
    `   └─ downloaded ${named('a')}`,
  ])
  expect(treeFrom('file', true)).toEqual([named('file'), `└─ downloaded from ${named('a')}`])
})

test('a chain that is long, and one that bites its tail, come to an end', () => {
  const ids = Array.from({ length: 2_000 }, (_, at) => String(at))
  const edges = ids.map((id, at) => edge(id, 'used', ids[(at + 1) % ids.length] ?? ''))
  const lines = treeOf({ from: ['0'], things: ids.slice(0, 3).map(artifact), edges, position: 'log.9' }, false)
  expect(lines).toHaveLength(ids.length + 1)
  expect(lines.at(-1)).toMatch(/\(above\)$/)
})
