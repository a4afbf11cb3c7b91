import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDatasetCard } from '#agents/pipelines/dataset-card'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { readModelCard } from '#agents/pipelines/model-card'
import { clientOf } from '#agents/pipelines/store-client'
import { watchStore } from '#agents/pipelines/watch'
import { memoryHub } from '#bus/memory'
import { eventually, storeOnDisk, temporaryFolder } from './on-disk.ts'

const by = { run: 'root/0', part: 'root/train', attempt: 1 }
const saved = { how: 'saved', by, delivery: 1 } as const
const card = { license: 'mit', title: 'Haikus', library_name: 'keras' }
const dataset = {
  name: 'Weather',
  description: 'Two years of it',
  license: 'https://spdx.org/licenses/CC-BY-4.0',
  url: 'https://example.org/weather',
  creator: { '@type': 'Organization' as const, name: 'Us' },
  datePublished: '2026-01-31',
}

type Disk = Parameters<typeof storeOnDisk>[1]
const models = (before: Disk = {}) => storeOnDisk('root/in', { ...before, kind: 'model-registry' })
const datasets = (before: Disk = {}) => storeOnDisk('root/in', { ...before, kind: 'dataset-registry' })

/** Saves a file with its card, as an action does. */
const save = async (store: Awaited<ReturnType<typeof models>>['store'], path: string, text: string, said: unknown) => {
  const drafted = await draft(store.root, text)
  const content = { digest: 'ab'.repeat(32), size: text.length }
  return store.admit(drafted, path, { ...saved, card: store.cardFor(path, said, content) })
}

test('a model is saved with its card beside it, each tagged with the other, all said to be of the execution', async () => {
  const { store, facts, folder } = await models()
  await save(store, 'deep/m.bin', 'weights', card)
  expect(readModelCard(readFileSync(join(folder, 'deep/m.bin.card.md'), 'utf8')).metadata).toMatchObject({
    license: 'mit',
  })
  expect(await facts()).toMatchObject([
    { type: 'artifact.saved', path: 'deep/m.bin', by },
    { type: 'artifact.tagged', path: 'deep/m.bin', tags: { card: 'deep/m.bin.card.md' }, by },
    { type: 'artifact.saved', path: 'deep/m.bin.card.md', by },
    { type: 'artifact.tagged', path: 'deep/m.bin.card.md', tags: { 'card-of': 'deep/m.bin' }, by },
  ])
})

test('a card that is given later is tagged both ways, and is replaced only where that is said', async () => {
  const { store, facts } = await models()
  const file = await store.admit(await draft(store.root, 'weights'), 'm', saved)
  const give = (said: object, more = {}) => store.card(store.cardFor('m', said, file), file, { ...saved, ...more })
  await give(card)
  await give(card)
  expect((await facts()).slice(1)).toMatchObject([
    { type: 'artifact.saved', path: 'm.card.md', by },
    { type: 'artifact.tagged', path: 'm.card.md', tags: { 'card-of': 'm' }, by },
    { type: 'artifact.tagged', path: 'm', digest: file.digest, tags: { card: 'm.card.md' }, by },
  ])
  await expect(give({ ...card, license: 'gpl' })).rejects.toThrow(/save with { overwrite: true }/)
  await give({ ...card, license: 'gpl' }, { overwrite: true })
})

test('a wrong card names each wrong field; a store that is no registry keeps none', async () => {
  const { store } = await models()
  expect(() => store.checkCard('m', { license: 7, tags: 8 })).toThrow(/license: .*\n.*tags: /)
  const plain = await storeOnDisk('root/out')
  expect(() => plain.store.checkCard('m', card)).toThrow(/root\/out is a filesystem-store and keeps no cards/)
})

test('the card of a dataset that names no files is of the file that it lies beside', async () => {
  const { store, folder } = await datasets()
  const file = await store.admit(await draft(store.root, 'a,b\n1,2\n'), 'in/days.csv', saved)
  await store.card(store.cardFor('in/days.csv', dataset, file), file, saved)
  const written = readDatasetCard(readFileSync(join(folder, 'in/days.csv.croissant.json'), 'utf8'))
  expect(written.distribution).toMatchObject([
    { contentUrl: 'days.csv', sha256: file.digest, contentSize: '8 B', encodingFormat: ['text/csv'] },
  ])
})

test('killed before it had recorded anything, a save with a card is done at the next start, card and all', async () => {
  const { dying, reopened, facts, folder, outbox } = await models()
  const dead = await dying()
  await expect(save(dead, 'm', 'weights', card)).rejects.toThrow('killed')
  expect(existsSync(join(folder, 'm.card.md'))).toBe(false)
  const store = await reopened()
  expect((await facts()).map(({ type, path }) => `${type} ${path}`)).toEqual([
    'artifact.saved m',
    'artifact.tagged m',
    'artifact.saved m.card.md',
    'artifact.tagged m.card.md',
  ])
  await save(store, 'm', 'weights', card) // The execution is run again after all.
  await outbox.flushed()
  expect(await facts()).toHaveLength(4)
})

test('killed between the file and its card, the next start puts the card there', async () => {
  const { store, local, reopened, facts, folder } = await models()
  await save(store, 'm', 'weights', card)
  const before = readFileSync(join(folder, 'm.card.md'), 'utf8')
  const promise = { path: 'n.card.md', digest: 'cd'.repeat(32), size: 4, origin: 'saved root/0 root/train' }
  const arrival = { how: 'saved', by, cardOf: { path: 'n' } }
  local
    .prepare('insert into promises values (?, ?, ?)')
    .run('root/in', 'n.card.md', JSON.stringify({ ...promise, arrival, text: before }))
  await reopened()
  expect(readFileSync(join(folder, 'n.card.md'), 'utf8')).toBe(before)
  expect((await facts()).slice(4)).toMatchObject([
    { type: 'artifact.saved', path: 'n.card.md' },
    { type: 'artifact.tagged', tags: { 'card-of': 'n' } },
  ])
})

test('a card that takes another one’s place is refused before the file is there', async () => {
  const { store, folder } = await models()
  writeFileSync(join(folder, 'm.card.md'), 'by hand')
  await expect(save(store, 'm', 'weights', card)).rejects.toThrow(/m\.card\.md in root\/in was there before/)
  expect(readdirSync(folder).filter((name) => !name.startsWith('.'))).toEqual(['m.card.md'])
})

test('in a watched registry a card is no fresh data; it is tagged with its file, whichever comes first', async () => {
  const { store, facts, folder, signal } = await datasets()
  await watchStore(store, { settle: 60, ignoreExisting: false, signal })
  writeFileSync(join(folder, 'a.csv.croissant.json'), '{}')
  await eventually(async () => store.list().length === 1)
  writeFileSync(join(folder, 'a.csv'), '1')
  await eventually(async () => store.list().length === 2)
  writeFileSync(join(folder, 'b.csv'), '2')
  await eventually(async () => store.list().length === 3)
  writeFileSync(join(folder, 'b.csv.croissant.json'), '{"b":1}')
  await eventually(async () => store.list().length === 4)
  const told = await facts()
  expect(told.filter(({ type }) => type === 'artifact.detected').map(({ path }) => path)).toEqual(['a.csv', 'b.csv'])
  const tagged = told.filter(({ type }) => type === 'artifact.tagged') as unknown as { path: string; tags: object }[]
  const expected = ['a', 'b'].flatMap((name) => [
    { path: `${name}.csv`, tags: { card: `${name}.csv.croissant.json` } },
    { path: `${name}.csv.croissant.json`, tags: { 'card-of': `${name}.csv` } },
  ])
  for (const one of expected) expect(tagged).toContainEqual(expect.objectContaining(one))
  expect(tagged).toHaveLength(4)
})

test('a client of another pipeline uploads with a card, which its registry checks before it takes anything', async () => {
  const hub = memoryHub({ logId: 'log' })
  const root = await storeOnDisk('root/in', { base: temporaryFolder(), hub, kind: 'model-registry' })
  const leaf = await storeOnDisk('leaf/client', { base: temporaryFolder(), hub })
  void serveStore({ bus: root.bus, host: 'root', outbox: root.outbox, signal: root.signal }, root.store)
  const trader = { bus: leaf.bus, host: 'leaf', outbox: leaf.outbox, signal: leaf.signal }
  const client = clientOf(trader, leaf.store, 'root/in')
  const doing = { signal: leaf.signal, waiting: () => undefined }
  const upload = async (path: string, said: object) =>
    client.upload(await draft(leaf.store.root, 'weights'), path, doing, said)
  await upload('m', card)
  expect((await root.facts()).map(({ type, path }) => `${type} ${path}`)).toEqual([
    'artifact.uploaded m',
    'artifact.tagged m',
    'artifact.uploaded m.card.md',
    'artifact.tagged m.card.md',
  ])
  await expect(upload('n', { license: 7 })).rejects.toThrow(/license/)
  expect(readdirSync(root.folder)).not.toContain('n')
  await expect(upload('n', { body: 'x'.repeat(300_000) })).rejects.toThrow(/The card holds/)
})
