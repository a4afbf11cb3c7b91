import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { serveStore } from '#agents/pipelines/exchange'
import { draft } from '#agents/pipelines/folder'
import { clientOf } from '#agents/pipelines/store-client'
import { memoryHub } from '#bus/memory'
import { slow } from '../processes.ts'
import { eventually, storeOnDisk, temporaryFolder } from './on-disk.ts'
import { shelfOnDisk } from './shelf.ts'

const by = { run: 'root/0', part: 'root/train', attempt: 1 }
const saved = { how: 'saved', by, delivery: 1 } as const
type Shelf = Awaited<ReturnType<typeof shelfOnDisk>>

const put = ({ shelf }: Pick<Shelf, 'shelf'>, name: string, text = name) => writeFileSync(join(shelf, name), text)
/** Resolves once everything has been looked at again, from the beginning. */
const looked = async ({ noted }: Shelf, more = 2) => {
  const before = noted('lists').length
  await eventually(async () => noted('lists').length >= before + more)
}
const tells = ({ told }: Shelf, line: string, times = 1) =>
  eventually(async () => (await told()).filter((one) => one === line).length >= times)

test('what is new is fetched and detected, what changed is detected anew, what has gone is gone, copy and all', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'a')
  put(shelf, 'deep%b', 'bee')
  shelf.poll()
  await tells(shelf, 'detected deep/b')
  await tells(shelf, 'detected a')
  expect(readFileSync(join(shelf.folder, 'deep/b'), 'utf8')).toBe('bee')
  put(shelf, 'a', 'another')
  await tells(shelf, 'detected a', 2)
  rmSync(join(shelf.shelf, 'deep%b'))
  await tells(shelf, 'gone deep/b')
  expect(shelf.store.list()).toMatchObject([{ path: 'a', size: 7 }])
  expect(readdirSync(join(shelf.folder, 'deep'))).toEqual([])
})

test('unchanged bytes under a new version are no news, and are not fetched again', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'a')
  shelf.poll()
  await tells(shelf, 'detected a')
  utimesSync(join(shelf.shelf, 'a'), 1, 1)
  await eventually(async () => shelf.noted('reads').length === 2)
  await looked(shelf)
  expect(shelf.noted('reads')).toEqual(['a', 'a'])
  expect(await shelf.told()).toEqual(['detected a'])
})

test('a new start fetches no version that it knows, and finds what came, changed and went meanwhile', async () => {
  const first = await shelfOnDisk()
  for (const name of ['kept', 'changed', 'gone']) put(first, name)
  first.poll()
  for (const name of ['kept', 'changed', 'gone']) await tells(first, `detected ${name}`)
  await first.end()
  put(first, 'changed', 'other bytes')
  put(first, 'new')
  rmSync(join(first.shelf, 'gone'))
  const second = await shelfOnDisk({ before: first })
  second.poll()
  for (const line of ['detected new', 'gone gone']) await tells(second, line)
  await tells(second, 'detected changed', 2)
  expect(second.noted('reads').filter((path) => path === 'kept')).toHaveLength(1)
})

test('what is there at the first look may be ignored: it is not even fetched, until it changes', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'old')
  shelf.poll(true)
  await looked(shelf)
  put(shelf, 'new')
  await tells(shelf, 'detected new')
  put(shelf, 'old', 'other')
  await tells(shelf, 'detected old')
  expect(shelf.noted('reads')).toEqual(['new', 'old'])
})

test('a source that is away is said once for each reason, also over restarts, and that it is back', async () => {
  const first = await shelfOnDisk()
  put(first, '.away', 'the cable')
  first.poll()
  const reasons = async (shelf: Shelf) =>
    (await shelf.facts()).map(({ type, ...more }) => [type, (more as { reason?: string }).reason])
  const cable = ['artifact.source-failing', expect.stringMatching(/nobody is there: the cable/)]
  await eventually(async () => (await reasons(first)).length === 1)
  await looked(first, 1)
  await first.end()
  const second = await shelfOnDisk({ before: first })
  second.poll()
  await looked(second, 1)
  expect(await reasons(second)).toEqual([cable])
  put(second, '.away', 'the plug')
  await eventually(async () => (await reasons(second)).length === 2)
  rmSync(join(second.shelf, '.away'))
  await tells(second, 'source-back ')
  expect((await second.facts()).map(({ type }) => type.slice(-7))).toEqual(['failing', 'failing', 'ce-back'])
})

test.concurrent.each([
  ['.dies', /process of the resource of root\/in ended .*code 3/],
  ['.nonsense', /lists what is no \{ path, version, size\? \}.*"path":7/],
  ['.mute', /gave no sign of life for 1 s while it was to list/],
])('a resource that is %s harms nobody: it is said, and asked again later', async (name, reason) => {
  const shelf = await shelfOnDisk({ silence: 1_000 })
  put(shelf, name)
  put(shelf, 'a')
  shelf.poll()
  const [failing] = await eventually(async () => {
    const found = await shelf.facts()
    return found.length > 0 && found
  })
  expect(failing).toMatchObject({ type: 'artifact.source-failing', reason: expect.stringMatching(reason) })
  rmSync(join(shelf.shelf, name))
  await tells(shelf, 'detected a')
  await tells(shelf, 'source-back ')
})

test.concurrent.each([
  ['throws', /not today/],
  ['hangs', /gave no sign of life for 1 s while it was to read hangs/],
  ['blocks', /gave no sign of life for 1 s while it was to read blocks|process .* ended/],
  ['half', /gave no sign of life/],
  ['lies', /it gave 4 bytes, and was listed with 7/],
  ['lies by little', /more than the 7 bytes/],
  ['x%..%..%outside', /not a path inside the store/],
  ['a%%b', /not a path inside the store/],
])(
  'an item that %s is recorded as unreadable, once, and the others are taken',
  async (name, reason) => {
    const shelf = await shelfOnDisk({ silence: 1_000 })
    put(shelf, name)
    for (let i = 0; i < 8; i++) put(shelf, `other${i}`)
    shelf.poll()
    const path = name.replaceAll('%', '/')
    await tells(shelf, `unreadable ${path}`)
    for (let i = 0; i < 8; i++) await tells(shelf, `detected other${i}`)
    await looked(shelf, 3)
    const unreadable = (await shelf.facts()).filter(({ type }) => type === 'artifact.unreadable')
    expect(unreadable).toMatchObject([{ path, reason: expect.stringMatching(reason) }])
    expect(readdirSync(shelf.base)).not.toContain('outside')
    expect(shelf.store.list()).toHaveLength(8)
  },
  60_000,
)

test('a source that stays away is asked ever more rarely', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, '.away', 'the cable')
  const since = performance.now()
  shelf.poll()
  await eventually(async () => shelf.noted('lists').length >= 3)
  expect(performance.now() - since).toBeGreaterThan(1_500) // Half a second at least, and a second at least.
})

test('a client of another pipeline downloads what was fetched, and what it uploads is written there', async () => {
  const hub = memoryHub({ logId: 'log' })
  const shelf = await shelfOnDisk({ before: { base: temporaryFolder(), hub } })
  const leaf = await storeOnDisk('leaf/client', { base: temporaryFolder(), hub })
  const { bus, outbox, signal } = shelf
  void serveStore({ bus, host: 'root', outbox, signal }, shelf.store)
  const trader = { bus: leaf.bus, host: 'leaf', outbox: leaf.outbox, signal: leaf.signal }
  const client = clientOf(trader, leaf.store, 'root/in')
  const doing = { signal: leaf.signal, waiting: () => undefined }
  put(shelf, 'a', 'from there')
  shelf.poll()
  await tells(shelf, 'detected a')
  const { file } = await client.download('a', doing)
  expect(readFileSync(file, 'utf8')).toBe('from there')
  await client.upload(await draft(leaf.store.root, 'plot'), 'p', doing)
  expect(readFileSync(join(shelf.shelf, 'p'), 'utf8')).toBe('plot')
  await looked(shelf)
  expect(await shelf.told()).toEqual(['detected a', 'uploaded p'])
})

/** More than a list holds in one go; in the long form ten thousand. */
const many = slow ? 10_000 : 700

test(`${many} items are taken in, each fetched once`, async () => {
  const shelf = await shelfOnDisk()
  put(shelf, '.many', String(many))
  shelf.poll()
  await eventually(async () => shelf.store.list().length === many)
  await looked(shelf)
  expect(shelf.noted('reads')).toHaveLength(many)
}, 120_000)

test('what is saved is written to the resource first, and is then no news', async () => {
  const shelf = await shelfOnDisk()
  shelf.poll()
  await shelf.store.admit(await draft(shelf.store.root, 'weights'), 'm', saved)
  expect(readFileSync(join(shelf.shelf, 'm'), 'utf8')).toBe('weights')
  await eventually(async () => shelf.noted('reads').includes('m')) // Its version is not known before.
  await looked(shelf)
  expect(await shelf.facts()).toMatchObject([{ type: 'artifact.saved', path: 'm', by }])
})

test('what is there already is not overwritten unless that is said; nothing is recorded then', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'm', 'theirs')
  const save = async (more = {}) => shelf.store.admit(await draft(shelf.store.root, 'ours'), 'm', { ...saved, ...more })
  await expect(save()).rejects.toThrow(/m is taken/)
  expect(await shelf.facts()).toEqual([])
  expect(readdirSync(shelf.folder).filter((name) => !name.startsWith('.'))).toEqual([])
  await save({ overwrite: true })
  expect(readFileSync(join(shelf.shelf, 'm'), 'utf8')).toBe('ours')
})

test('killed between writing and recording, the same execution finds its bytes there and records them once', async () => {
  const shelf = await shelfOnDisk()
  const dead = await shelf.dying()
  await expect(dead.admit(await draft(dead.root, 'one'), 'm', saved)).rejects.toThrow('killed')
  rmSync(join(shelf.folder, 'm')) // As if it had been killed a moment earlier.
  const next = await shelf.reopened()
  await next.admit(await draft(next.root, 'two'), 'm', { ...saved, delivery: 2 })
  expect(readFileSync(join(shelf.shelf, 'm'), 'utf8')).toBe('two')
  expect(await shelf.facts()).toMatchObject([{ type: 'artifact.saved', path: 'm', size: 3, by }])
})

test('killed between writing and recording, and never asked again, the next look records who saved it', async () => {
  const first = await shelfOnDisk()
  const dead = await first.dying()
  await expect(dead.admit(await draft(dead.root, 'one'), 'm', saved)).rejects.toThrow('killed')
  rmSync(join(first.folder, 'm'))
  await first.end()
  const second = await shelfOnDisk({ before: first })
  second.poll()
  await tells(second, 'saved m')
  expect(await second.facts()).toMatchObject([{ type: 'artifact.saved', path: 'm', by }])
})

test('a resource without a function to write can’t be saved to, and says so', async () => {
  const shelf = await shelfOnDisk({ node: 'closed' })
  await expect(shelf.store.admit(await draft(shelf.store.root, 'x'), 'm', saved)).rejects.toThrow(
    'root/closed can’t be written: its resource has no function write'.replace('’', "'"),
  )
  expect(await shelf.facts()).toEqual([])
})

test('a host that stops ends its resource at once, whatever that is doing', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'blocks')
  shelf.poll()
  await eventually(async () => shelf.noted('reads').includes('blocks'))
  const since = performance.now()
  await shelf.end()
  expect(performance.now() - since).toBeLessThan(2_000)
})

test('what cannot lie beside another one is unreadable, and harms it not', async () => {
  const shelf = await shelfOnDisk()
  put(shelf, 'a')
  shelf.poll()
  await tells(shelf, 'detected a')
  put(shelf, 'a%b')
  await tells(shelf, 'unreadable a/b')
  expect(shelf.store.list().map(({ path }) => path)).toEqual(['a'])
})
