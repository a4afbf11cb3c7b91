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
import { eventually } from './on-disk.ts'
import { watched } from './watch-on-disk.ts'

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

test('a file whose name begins with a dot is not meant for others, and nor is one in such a folder, unless that is said', async () => {
  for (const hidden of [false, true]) {
    const { begin, seen, facts, folder } = await watched()
    writeFileSync(join(folder, '.before'), '')
    await begin(hidden)
    mkdirSync(join(folder, '.git'))
    const names = ['.data.csv.Xk2a1', '.git/config', 'deep.er']
    for (const name of names) writeFileSync(join(folder, name), name)
    renameSync(join(folder, '.data.csv.Xk2a1'), join(folder, 'data.csv'))
    writeFileSync(join(folder, '.late'), 'late')
    for (const name of hidden ? ['.before', '.git/config', '.late'] : []) await seen(name)
    await seen('deep.er')
    await seen('data.csv')
    writeFileSync(join(folder, 'last'), '') // What came before it would be here by then.
    await seen('last')
    const found = (await facts()).map(({ path }) => path).toSorted()
    expect(found).toEqual(
      hidden ? ['.before', '.git/config', '.late', 'data.csv', 'deep.er', 'last'] : ['data.csv', 'deep.er', 'last'],
    )
  }
})

test('says what cannot be an artifact, once, and goes on', async () => {
  const { begin, seen, facts, folder, base } = await watched()
  const latin = (name: string) => Buffer.concat([Buffer.from(`${folder}/${name}`), Buffer.from([0xe9])])
  writeFileSync(latin('old'), 'x')
  await begin()
  writeFileSync(join(base, 'secret'), 'outside')
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync(join(base, 'secret'), join(folder, 'leak'))
  symlinkSync(join(base, 'nowhere'), join(folder, 'dangling'))
  writeFileSync(latin('caf'), 'x')
  writeFileSync(join(folder, 'after'), 'x')
  await seen('after')
  const refused = await eventually(async () => {
    const found = (await facts()).filter(({ type }) => type === 'artifact.unreadable')
    return found.length >= 5 && found
  })
  expect(refused.map(({ path }) => path).toSorted()).toEqual(['caf\uFFFD', 'dangling', 'leak', 'old\uFFFD', 'pipe'])
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

test('5,000 files at once are each taken once', async () => {
  const { begin, facts, folder } = await watched()
  await begin()
  for (let i = 0; i < 5_000; i++) writeFileSync(join(folder, `f${i}`), String(i))
  await eventually(async () => (await facts()).length >= 5_000)
  expect(new Set((await facts()).map(({ path }) => path)).size).toBe(5_000)
  expect(readFileSync(join(folder, 'f7'), 'utf8')).toBe('7')
}, 60_000)
