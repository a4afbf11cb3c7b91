import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { targetOf } from '#agents/uploads/target-of'
import { temporaryFolders } from '../processes.ts'
import { faultOf, here, layResults, lies, uploading } from './results.ts'

const newFolder = temporaryFolders()
const signal = new AbortController().signal
const files = { 'a.txt': 'one', 'deep/ü b.csv': 'two', 'manifest.json': 'a result that is called so', empty: '' }

const open = async (path = 'carol/results') => {
  const [directories, folder] = [newFolder(), newFolder()]
  return {
    directories,
    folder,
    target: await targetOf({ kind: 'directory', path }, undefined, { directories, reach: here }),
  }
}

test('results lie in the folder as they were, each under its own node, and no draft beside them', async () => {
  const { directories, folder, target } = await open()
  const manifests = [layResults(folder, files), layResults(folder, { 'b.txt': 'three' }, { node: 'two' })]
  await target.probe(signal)
  expect(await uploading(target, folder, manifests)).toMatchObject({ sent: 7, there: 0, files: 7 })
  const at = join(directories, 'carol/results/rover-1/north')
  for (const [path, text] of Object.entries(files)) expect(lies(at, `one/files/${path}`)).toBe(text)
  expect(lies(at, 'one/manifest.json')).toBe(lies(folder, 'north/one/manifest.json'))
  expect(lies(at, 'two/files/b.txt')).toBe('three')
  expect(readdirSync(join(at, 'one'), { recursive: true }).filter((name) => /draft|probe/.test(String(name)))).toEqual(
    [],
  )
})

test('what lies there as it is is not sent again; what differs is replaced, and what else lies there stays', async () => {
  const { directories, folder, target } = await open()
  const manifest = layResults(folder, files)
  await uploading(target, folder, [manifest])
  const at = join(directories, 'carol/results/rover-1/north/one')
  const before = statSync(join(at, 'files/a.txt')).ino
  writeFileSync(join(at, 'files/empty'), 'x')
  writeFileSync(join(at, 'files/mine.txt'), 'mine')
  expect(await uploading(target, folder, [manifest])).toMatchObject({ sent: 1, there: 4 })
  expect(statSync(join(at, 'files/a.txt')).ino).toBe(before)
  expect(lies(at, 'files/empty')).toBe('')
  expect(lies(at, 'files/mine.txt')).toBe('mine')
})

test.each(['eno', 'another length'])('a file that is not what its manifest says is not sent: %s', async (text) => {
  const { directories, folder, target } = await open()
  const manifest = layResults(folder, { 'a.txt': 'one' })
  writeFileSync(join(folder, 'north/one/files/a.txt'), text)
  const fault = await faultOf(uploading(target, folder, [manifest]))
  expect(fault).toMatchObject({ code: 'upload.altered', message: expect.stringContaining('a.txt') })
  expect(existsSync(join(directories, 'carol'))).toBe(false)
})

test('a file that has become a link, and a manifest that says something else now, are refused', async () => {
  const { folder, target } = await open()
  const manifest = layResults(folder, { 'a.txt': 'one' })
  rmSync(join(folder, 'north/one/files/a.txt'))
  symlinkSync('/etc/hostname', join(folder, 'north/one/files/a.txt'))
  expect(await faultOf(uploading(target, folder, [manifest]))).toMatchObject({ code: 'upload.altered' })
  writeFileSync(join(folder, 'north/one/manifest.json'), JSON.stringify({ ...manifest, partial: true }))
  expect((await faultOf(uploading(target, folder, [manifest]))).message).toMatch(/says something else/)
  expect((await faultOf(uploading(target, folder, [{ ...manifest, site: '..' }]))).message).toMatch(/no name/)
})

test('a link on the way is not followed, wherever it leads', async () => {
  for (const at of ['carol', 'carol/results', 'carol/results/rover-1/north/one/files']) {
    const { directories, folder, target } = await open()
    const outside = newFolder()
    mkdirSync(join(directories, at, '..'), { recursive: true })
    symlinkSync(outside, join(directories, at))
    const manifest = layResults(folder, { 'a.txt': 'one' })
    expect(await faultOf(uploading(target, folder, [manifest]))).toMatchObject({
      code: 'upload.refused',
      message: expect.stringMatching(/no folder lies on the way/),
    })
    expect(readdirSync(outside)).toEqual([])
  }
})

test('a place where something else lies, and a folder that leads out, are refused', async () => {
  const { directories, folder, target } = await open()
  const manifest = layResults(folder, { 'a.txt': 'one' })
  const outside = newFolder()
  const at = join(directories, 'carol/results/rover-1/north/one/files')
  mkdirSync(at, { recursive: true })
  symlinkSync(join(outside, 'made'), join(at, 'a.txt'))
  expect((await faultOf(uploading(target, folder, [manifest]))).message).toMatch(/no file lies there/)
  expect(readdirSync(outside)).toEqual([])
  const leaving = await targetOf({ kind: 'directory', path: '../up' }, undefined, { directories, reach: here })
  expect((await faultOf(leaving.probe(signal))).message).toMatch(/no name of a folder/)
})

test("where the portal's file names no folder for such, the probe says so", async () => {
  const target = await targetOf({ kind: 'directory', path: 'carol' }, undefined, {
    directories: undefined,
    reach: here,
  })
  expect((await faultOf(target.probe(signal))).message).toMatch(/names no folder for such/)
})
