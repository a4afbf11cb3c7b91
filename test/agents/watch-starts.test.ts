import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draft } from '#agents/pipelines/folder'
import { watchStore } from '#agents/pipelines/watch'
import { eventually, storeOnDisk } from './on-disk.ts'
import { watched } from './watch-on-disk.ts'

test('a new start finds what arrived, changed, moved or vanished while nothing ran, and hashes nothing twice', async () => {
  const first = await watched()
  await first.begin()
  for (const name of ['kept', 'changed', 'moved', 'gone']) writeFileSync(join(first.folder, name), name)
  for (const name of ['kept', 'changed', 'moved', 'gone']) await first.seen(name)
  await first.end()

  writeFileSync(join(first.folder, 'changed'), 'other bytes')
  renameSync(join(first.folder, 'moved'), join(first.folder, 'elsewhere'))
  rmSync(join(first.folder, 'gone'))
  writeFileSync(join(first.folder, 'arrived'), 'x')
  const second = await watched(60, first)
  await second.begin()
  await second.seen('arrived')
  await second.seen('elsewhere')
  await second.seen('changed', 2)
  const told = (await second.facts()).slice(4).map(({ type, path }) => `${type} ${path}`)
  expect(told.toSorted()).toEqual([
    'artifact.detected arrived',
    'artifact.detected changed',
    'artifact.detected elsewhere',
    'artifact.gone gone',
    'artifact.gone moved',
  ])
  expect(second.store.list().map(({ path }) => path)).toEqual(['arrived', 'changed', 'elsewhere', 'kept'])
})

test('files that lie there at the first start are fresh, unless they are to be ignored', async () => {
  const fresh = await watched()
  writeFileSync(join(fresh.folder, 'old'), 'x')
  await fresh.begin()
  await fresh.seen('old')

  const ignoring = await watched(60, {}, true)
  writeFileSync(join(ignoring.folder, 'old'), 'x')
  await ignoring.begin()
  writeFileSync(join(ignoring.folder, 'new'), 'x')
  await ignoring.seen('new')
  expect((await ignoring.facts()).map(({ path }) => path)).toEqual(['new'])
})

test('the first start is the first also where nothing lay there: what arrives before the second is fresh', async () => {
  const first = await watched(60, {}, true)
  await first.begin()
  await first.end()
  writeFileSync(join(first.folder, 'arrived'), 'x')
  const second = await watched(60, first, true)
  await second.begin()
  expect(await second.seen('arrived')).toMatchObject({ change: 'new' })
})

test('files that were to be ignored are ignored also when the first start was cut short', async () => {
  const first = await watched(100, {}, true)
  for (const name of ['old', 'older']) writeFileSync(join(first.folder, name), name)
  const growing = setInterval(() => appendFileSync(join(first.folder, 'older'), '.'), 20)
  await first.begin()
  await eventually(async () => first.store.list().length === 1)
  await first.end() // One of them has not come to rest by now.
  clearInterval(growing)
  const second = await watched(60, first, true)
  await second.begin()
  writeFileSync(join(second.folder, 'new'), 'x')
  await second.seen('new')
  await eventually(async () => second.store.list().length === 3)
  writeFileSync(join(second.folder, 'old'), 'other bytes')
  expect(await second.seen('old')).toMatchObject({ change: 'changed' })
  expect((await second.facts()).map(({ path }) => path)).toEqual(['new', 'old'])
})

test('what was not looked at because the host stops is not gone', async () => {
  const first = await watched()
  await first.begin()
  for (const name of ['a', 'b']) writeFileSync(join(first.folder, name), name)
  for (const name of ['a', 'b']) await first.seen(name)
  await first.end()
  const second = await watched(60, first)
  const beginning = second.begin()
  second.stop()
  await beginning
  const third = await watched(60, first)
  expect((await third.facts()).map(({ type }) => type)).not.toContain('artifact.gone')
})

test('an upload that was put in place just before a kill is left for the one that asks again', async () => {
  const first = await watched()
  const uploaded = { how: 'uploaded', peer: 'leaf/client', by: { run: 'leaf/0', part: 'leaf/a', attempt: 1 } } as const
  const dead = await first.dying()
  await expect(dead.admit(await draft(dead.root, 'plot'), 'plot.txt', uploaded)).rejects.toThrow('killed')
  await first.end()
  const second = await watched(60, first)
  await second.begin()
  writeFileSync(join(second.folder, 'later'), 'x')
  await second.seen('later')
  await second.store.admit(await draft(second.store.root, 'plot'), 'plot.txt', uploaded)
  const told = (await second.facts()).filter(({ path }) => path === 'plot.txt')
  expect(told.map(({ type }) => type)).toEqual(['artifact.uploaded'])
})

test('what somebody else puts where an upload was promised is taken, and the upload is refused then', async () => {
  const first = await watched()
  const uploaded = { how: 'uploaded', peer: 'leaf/client' } as const
  const dead = await first.dying()
  await expect(dead.admit(await draft(dead.root, 'plot'), 'plot.txt', uploaded)).rejects.toThrow('killed')
  await first.begin()
  writeFileSync(join(first.folder, 'plot.txt'), 'drawn by hand')
  expect(await first.seen('plot.txt')).toMatchObject({ size: 13 })
  await expect(first.store.admit(await draft(first.store.root, 'plot'), 'plot.txt', uploaded)).rejects.toThrow()
})

test('a watcher that begins when its host is ending already ends at once', async () => {
  const disk = await storeOnDisk('root/in')
  const ending = AbortSignal.abort()
  const { ended } = await watchStore(disk.store, { settle: 60, ignoreExisting: false, signal: ending })
  await ended
})
