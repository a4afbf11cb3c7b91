import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Manifest } from '#agents/containers/manifest'
import { keepListings } from '#agents/experiments/keep-listings'
import { listEach, pageOf } from '#agents/experiments/page-results'
import { serveResults } from '#agents/experiments/serve-results'
import { memoryHub } from '#bus/memory'
import { experimentListsOf } from '#client/experiment-lists'
import { temporaryFolders } from '../processes.ts'
import { experimentTeller } from '../projections/experiment-story.ts'
import { initiate, markReady, moveToTestbed, policy, run, submit } from './story.ts'

const newFolder = temporaryFolders()
const id = 'rover-aaaaaa'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const manifestOf = (paths: readonly string[], refused: Manifest['refused'] = []): Manifest => ({
  ...{ version: 1, experiment: id, attempt: 1, run: 1, site: 'north', node: 'one', partial: false, refused },
  files: paths.map((path) => ({ path, size: path.length, sha256: sha256(path) })),
})

const listingOf = async (manifest: Manifest) => keepListings(1, async () => manifest)('folder', sha256('m'))

/** A portal to which an experiment has come home, with these files. */
const atHome = async (paths: readonly string[]) => {
  const [folder, hub, stop] = [newFolder(), memoryHub(), new AbortController()]
  onTestFinished(() => stop.abort())
  const below = join(folder, 'north', id, 'results/one/1-1')
  mkdirSync(join(below, 'files'), { recursive: true })
  for (const path of paths) writeFileSync(join(below, 'files', path), path)
  const file = join(below, 'manifest.json')
  const text = JSON.stringify(manifestOf(paths))
  writeFileSync(file, text)
  const bus = hub.connect('portal')
  const { define, create, must, take, begin, end } = experimentTeller(bus)
  await define()
  await create()
  await must(id, 'carol', initiate)
  for (const step of ['fetch', 'ship', 'build'] as const) await take(id, step)
  await must(id, 'olga', moveToTestbed())
  await take(id, 'deliver')
  await must(id, 'olga', markReady)
  await must(id, 'olga', run)
  await take(id, 'probe')
  await begin(id, 'run')
  const results = { manifest: sha256(text), files: paths.length, bytes: 1, refused: 0, partial: false }
  await end(id, 'run', { outcome: 'succeeded', made: { step: 'run', exitCode: 0, results } })
  await take(id, 'collect')
  await must(id, 'olga', submit)
  await take(id, 'pull')
  const { signal } = stop
  void serveResults({ bus, host: 'portal', experiments: folder, policy: () => policy, signal })
  const lists = experimentListsOf(hub.connect('carol'))
  return { file, lists, signal }
}

test('lists what has come home, some at a time, and hands out each file', async () => {
  const paths = Array.from({ length: 501 }, (_, at) => `f${String(at).padStart(4, '0')}`)
  const { lists, signal, file } = await atHome(paths.toReversed())
  const [set] = (await lists.results({ experiment: id })).sets
  expect(set).toMatchObject({ site: 'north', node: 'one', run: 1, count: 501, next: 'f0499' })
  const of = { experiment: id, site: 'north', node: 'one' }
  const [rest] = (await lists.results({ ...of, after: set?.next ?? '' })).sets
  expect(rest).toMatchObject({ files: [{ path: 'f0500' }], next: null })
  await expect(lists.results({ experiment: id, after: 'f0499' })).rejects.toThrow(/with site and node/)
  // What is read once is not read again.
  appendFileSync(file, ' ')
  const { bytes, size } = await lists.result({ ...of, path: 'f0007' }, signal)
  expect([size, Buffer.concat(await Array.fromAsync(bytes)).toString()]).toEqual([5, 'f0007'])
  await expect(lists.result({ ...of, path: 'f9' }, signal)).rejects.toThrow(/There is no result f9/)
})

test('refuses a manifest that is not the one that was reported', async () => {
  const { lists, file } = await atHome(['a'])
  appendFileSync(file, ' ')
  await expect(lists.results({ experiment: id })).rejects.toThrow(/manifest.json has been altered/)
})

test('results of one end node that can’t be told hide none of another', async () => {
  const one = { site: 'north', node: 'one', run: 1, list: () => listingOf(manifestOf(['a'])) }
  const two = { ...one, node: 'two', list: () => Promise.reject(new Error('it has been altered')) }
  const told = pageOf(await listEach([one, two]), '')
  expect(told).toMatchObject([
    { node: 'one', count: 1 },
    { node: 'two', count: 0, problem: 'it has been altered' },
  ])
  await expect(listEach([two])).rejects.toThrow('it has been altered')
})

test('an answer is bounded in bytes, of one end node always goes on, and of several leaves the others for later', async () => {
  const long = (at: number): string => `${String(at).padStart(4, '0')}-${'é'.repeat(900)}`
  const refused = Array.from({ length: 300 }, (_, at) => ({ path: long(at), reason: 'is a link'.repeat(300) }))
  const manifest = manifestOf(
    Array.from({ length: 600 }, (_, at) => long(at)),
    refused,
  )
  const one = { site: 'north', node: 'one', run: 1, listing: await listingOf(manifest) }
  const seen: string[] = []
  for (let after: string | null = ''; after !== null; ) {
    const page = pageOf([one], after)
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(502_000)
    seen.push(...(page[0]?.files ?? []).map(({ path }) => path))
    after = page[0]?.next ?? null
  }
  expect(seen).toEqual(manifest.files.map(({ path }) => path))
  const all = pageOf([one, { ...one, node: 'two' }], '')
  expect(Buffer.byteLength(JSON.stringify(all))).toBeLessThan(502_000)
  expect(all[1]).toMatchObject({ count: 600, files: [], next: '' })
})

test('manifests are read once while they are asked for, and those of long ago make room', async () => {
  const reads: string[] = []
  const list = keepListings(3, async (_, hash) => {
    reads.push(hash)
    if (hash === 'broken' && reads.length === 1) throw new Error('not there')
    return manifestOf(hash === 'large' ? ['a', 'b', 'c', 'd'] : ['a'])
  })
  await expect(list('', 'broken')).rejects.toThrow('not there')
  await Promise.all(['broken', 'one', 'one', 'two'].map((hash) => list('', hash)))
  await list('', 'broken')
  expect(reads).toEqual(['broken', 'broken', 'one', 'two'])
  await list('', 'three') // One is not kept for it.
  await list('', 'two')
  await list('', 'one')
  expect(reads.slice(4)).toEqual(['three', 'one'])
  await list('', 'large')
  await list('', 'large')
  await list('', 'one')
  expect(reads.slice(6)).toEqual(['large', 'one'])
})
