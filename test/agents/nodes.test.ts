import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draft } from '#agents/pipelines/folder'
import { watchNode } from '#agents/pipelines/nodes'
import { eventually, storeOnDisk } from './on-disk.ts'

const unwatched = { watch: false } as const

/** A store on a host that runs; watched unless said otherwise. */
const running = async ({ watch = true, ...before }: Parameters<typeof storeOnDisk>[1] & { watch?: boolean } = {}) => {
  const disk = await storeOnDisk('root/in', before)
  const lines: string[] = []
  const say = (line: string) => void lines.push(line)
  const nodes = { ...disk, stores: new Map([['in', disk.store]]), sources: new Map(), say }
  const definition = { kind: 'filesystem-store', path: disk.folder, watch, settle: 50 } as const
  const begun = await watchNode(nodes, 'in', definition, disk.signal)
  const said = async () => (await disk.facts()).map(({ type }) => type).filter((type) => type.includes('source'))
  const end = async () => {
    disk.stop()
    await Promise.all(begun)
    await disk.end()
  }
  /** Once it has been looked for what is gone: what is listed, and what was recorded as gone. */
  const looked = async () => {
    await Promise.all(begun)
    const gone = (await disk.facts()).filter(({ type }) => type === 'artifact.gone').map(({ path }) => path)
    return { listed: disk.store.list().map(({ path }) => path), gone, lines }
  }
  const save = async (...paths: string[]) => {
    for (const path of paths)
      await disk.store.admit(await draft(disk.store.root, path), path, { how: 'saved', overwrite: true })
  }
  return { ...disk, said, end, looked, save }
}

test('a host that takes over a store says that its folder is there, where the one before had said that it was not', async () => {
  const first = await running({ host: 'first' })
  rmSync(first.folder, { recursive: true })
  await eventually(async () => (await first.said()).length > 0)
  await first.end()
  const { hub } = first
  const second = await running({ hub, host: 'second' })
  await eventually(async () => (await second.said()).length > 1)
  expect(await second.said()).toEqual(['artifact.source-failing', 'artifact.source-back'])
  await second.end()

  // What the first one had said, the second one has taken back already.
  const again = await running({ hub, base: first.base, host: 'first' })
  expect(await again.said()).toHaveLength(2)
})

test('what a host had said of its folder is taken back by the next one, also where other facts have come since', async () => {
  const first = await running({ host: 'first' })
  first.store.index.failing('the disk makes noises')
  first.store.index.seen('a', '0'.repeat(64), 1, '1')
  await eventually(async () => (await first.facts()).length > 1)
  await first.end()
  const second = await running({ hub: first.hub, host: 'second' })
  await eventually(async () => (await second.said()).length > 1)
  expect(await second.said()).toEqual(['artifact.source-failing', 'artifact.source-back'])
  await second.end()
})

test('a place where a disk is mounted later is not taken for the folder: what lies on the disk is not gone without it', async () => {
  const { looked, save, end, folder, base, hub } = await running(unwatched)
  expect(await looked()).toMatchObject({ listed: [] })
  const place = `${folder}-place`
  renameSync(folder, place)
  mkdirSync(folder) // The disk.
  await save('a', 'b')
  await end()
  renameSync(folder, `${folder}-disk`)
  renameSync(place, folder)
  const without = await running({ ...unwatched, base, hub })
  expect(await without.looked()).toMatchObject({ listed: ['a', 'b'], gone: [] })
})

test('what was deleted from a folder that is not watched is gone once its host has started again', async () => {
  const { save, end, folder, base, hub } = await running(unwatched)
  await save('a', 'deep/b', 'deep/c')
  await end()
  rmSync(join(folder, 'deep'), { recursive: true })
  const second = await running({ ...unwatched, base, hub })
  expect(await second.looked()).toEqual({ listed: ['a'], gone: ['deep/b', 'deep/c'], lines: [] })
  await second.end()
  rmSync(join(folder, 'a')) // The last one: the folder itself is known by now.
  const third = await running({ ...unwatched, base, hub })
  expect(await third.looked()).toEqual({ listed: [], gone: ['deep/b', 'deep/c', 'a'], lines: [] })
})

test('of a folder that is another one, and has none of its files, none is gone; of one that has some, what is missing', async () => {
  const { save, end, folder, base, hub } = await running(unwatched)
  await save('a', 'b')
  await end()
  renameSync(folder, `${folder}-away`)
  const other = await running({ ...unwatched, base, hub })
  const said = /^root\/in: its folder .* has none of the files that were in it: none is recorded as gone/
  expect(await other.looked()).toEqual({ listed: ['a', 'b'], gone: [], lines: [expect.stringMatching(said)] })
  await other.end()
  // Started once more meanwhile, it does not take that one for the folder.
  const still = await running({ ...unwatched, base, hub })
  expect(await still.looked()).toMatchObject({ listed: ['a', 'b'], gone: [] })
  await still.end()
  rmSync(folder, { recursive: true })
  mkdirSync(folder)
  renameSync(join(`${folder}-away`, 'a'), join(folder, 'a'))
  const moved = await running({ ...unwatched, base, hub })
  expect(await moved.looked()).toEqual({ listed: ['a'], gone: ['b'], lines: [] })
})
