import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draft } from '#agents/pipelines/folder'
import { watchStore } from '#agents/pipelines/watch'
import { eventually, storeOnDisk } from './on-disk.ts'

type Disk = Parameters<typeof storeOnDisk>[1]

const watched = async (settle = 60, before: Disk = {}, ignoreExisting = false) => {
  const disk = await storeOnDisk('root/in', before)
  const seen = (path: string, times = 1) =>
    eventually(async () => {
      const found = (await disk.facts()).filter((fact) => fact.path === path && fact.type === 'artifact.detected')
      return found.length >= times && found.at(-1)
    })
  const begin = () => watchStore(disk.store, { settle, ignoreExisting, signal: disk.signal })
  return { ...disk, begin, seen }
}

test('takes a file that has come to rest, with the digest of its bytes', async () => {
  const { begin, seen, folder } = await watched()
  await begin()
  writeFileSync(join(folder, 'a.txt'), 'hello')
  expect(await seen('a.txt')).toMatchObject({
    size: 5,
    digest: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    change: 'new',
  })
})

test('takes an empty file, one in a folder, and every name that a file can have', async () => {
  const { begin, seen, folder } = await watched()
  await begin()
  mkdirSync(join(folder, 'deep/er'), { recursive: true })
  const names = [
    'empty',
    'deep/er/x',
    'new\nline',
    `"quo'tes"`,
    '<b>&amp;',
    '-rf',
    'ünï © 🦀',
    ' space ',
    'a'.repeat(255),
  ]
  for (const name of names) writeFileSync(join(folder, name), name === 'empty' ? '' : name)
  for (const name of names) expect(await seen(name)).toMatchObject({ path: name })
  expect(await seen('empty')).toMatchObject({ size: 0 })
})

test('says what cannot be an artifact, once, and goes on', async () => {
  const { begin, seen, facts, folder, base } = await watched()
  await begin()
  writeFileSync(join(base, 'secret'), 'outside')
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync(join(base, 'secret'), join(folder, 'leak'))
  symlinkSync(join(base, 'nowhere'), join(folder, 'dangling'))
  writeFileSync(join(folder, 'after'), 'x')
  await seen('after')
  const refused = await eventually(async () => {
    const found = (await facts()).filter(({ type }) => type === 'artifact.unreadable')
    return found.length >= 2 && found
  })
  expect(refused.map(({ path }) => path).toSorted()).toEqual(expect.arrayContaining(['leak', 'pipe']))
  expect((await facts()).filter(({ type }) => type === 'artifact.detected').map(({ path }) => path)).toEqual(['after'])
})

test('waits while a file grows, and takes it whole', async () => {
  const { begin, seen, facts, folder } = await watched(200)
  await begin()
  const file = join(folder, 'slow')
  writeFileSync(file, '')
  await new Promise<void>((resolve) => {
    let left = 10
    const writing = setInterval(() => {
      appendFileSync(file, 'x'.repeat(1000))
      if (--left === 0) {
        clearInterval(writing)
        resolve()
      }
    }, 50)
  })
  expect(await seen('slow')).toMatchObject({ size: 10_000 })
  expect((await facts()).filter(({ path }) => path === 'slow')).toHaveLength(1)
})

test('a file that pauses longer than it takes to settle is taken twice, the second time as changed', async () => {
  const { begin, seen, folder } = await watched()
  await begin()
  writeFileSync(join(folder, 'log'), 'one')
  await seen('log')
  appendFileSync(join(folder, 'log'), ' two')
  expect(await seen('log', 2)).toMatchObject({ size: 7, change: 'changed' })
})

test('changed bytes are fresh, the same bytes under a new name are fresh there, a touch is nothing', async () => {
  const { begin, seen, facts, folder } = await watched()
  await begin()
  writeFileSync(join(folder, 'a'), 'same')
  const first = await seen('a')
  utimesSync(join(folder, 'a'), new Date(0), new Date(0))
  writeFileSync(join(folder, 'b'), 'same')
  expect(await seen('b')).toMatchObject({ digest: first.digest, change: 'new' })
  writeFileSync(join(folder, 'a'), 'other')
  expect(await seen('a', 2)).toMatchObject({ change: 'changed' })
  expect((await facts()).filter(({ path }) => path === 'a')).toHaveLength(2)
})

test('a file that vanishes is recorded as gone; one that vanishes before it rested harms nothing', async () => {
  const { begin, seen, facts, folder } = await watched(200)
  await begin()
  writeFileSync(join(folder, 'a'), 'x')
  await seen('a')
  writeFileSync(join(folder, 'brief'), 'x')
  rmSync(join(folder, 'brief'))
  rmSync(join(folder, 'a'))
  await eventually(async () => (await facts()).find(({ type, path }) => type === 'artifact.gone' && path === 'a'))
  expect((await facts()).some(({ path }) => path === 'brief')).toBe(false)
})

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

test('5,000 files at once are each taken once', async () => {
  const { begin, facts, folder } = await watched()
  await begin()
  for (let i = 0; i < 5_000; i++) writeFileSync(join(folder, `f${i}`), String(i))
  await eventually(async () => (await facts()).length >= 5_000)
  expect(new Set((await facts()).map(({ path }) => path)).size).toBe(5_000)
  expect(readFileSync(join(folder, 'f7'), 'utf8')).toBe('7')
}, 60_000)
