import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watched } from './watch-on-disk.ts'

test('links that lead round in a circle are not walked through: the watcher begins, and takes what there is once', async () => {
  const { begin, seen, facts, folder } = await watched()
  mkdirSync(join(folder, 'deep'))
  for (const name of ['one', 'two', 'three']) symlinkSync('.', join(folder, 'deep', name))
  symlinkSync('..', join(folder, 'deep/up'))
  writeFileSync(join(folder, 'deep/before'), 'x')
  await begin()
  writeFileSync(join(folder, 'deep/after'), 'x')
  await seen('deep/before')
  await seen('deep/after')
  const detected = (await facts()).filter(({ type }) => type === 'artifact.detected')
  expect(detected.map(({ path }) => path).toSorted()).toEqual(['deep/after', 'deep/before'])
})
