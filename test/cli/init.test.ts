import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolders } from '../processes.ts'
import { run } from './secured.ts'

const newFolder = temporaryFolders()

/** A folder in which the package is installed, with the package.json that npm writes. */
const installed = (manifest: object): string => {
  const folder = newFolder()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(resolve('.'), join(folder, 'node_modules/millrace'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  return folder
}

test.each([
  ['a package of modules', { type: 'module' }, 'pipeline.ts'],
  ['a package that is none of modules, as npm init writes it', { type: 'commonjs' }, 'pipeline.mts'],
  ['a package that does not say what it is', {}, 'pipeline.mts'],
])('in %s, the pipeline that init writes can be loaded, and init says how', async (_, manifest, name) => {
  const folder = installed(manifest)
  const file = join(folder, name)
  const { code, output } = await run('init', folder)
  expect([code, output]).toEqual([0, expect.stringContaining(`npx millrace up ${file}\n`)])
  const loaded = await run('permissions', 'count_words', '--config', file)
  expect(loaded).toMatchObject({ code: 0, output: expect.not.stringContaining('Warning') })
})

test('init says for programs what it wrote', async () => {
  const folder = join(installed({ type: 'module' }), 'mine')
  const file = join(folder, 'pipeline.ts')
  const { output } = await run('init', folder, '--json')
  expect(JSON.parse(output)).toEqual({ file, next: `npx millrace up ${file}`, inbox: join(folder, 'data/inbox') })
})

test('init has git pass over what is made on this machine, once, and says what comes next', async () => {
  const folder = installed({ type: 'module' })
  writeFileSync(join(folder, '.gitignore'), 'node_modules/')
  const { output } = await run('init', folder)
  const ignored = readFileSync(join(folder, '.gitignore'), 'utf8')
  expect(ignored).toBe('node_modules/\n.millrace/\n*.creds.json\n/data/\n')
  expect(output).toMatch(/in \.gitignore: \.millrace\/[\s\S]*npx millrace up .*[\s\S]*https:\/\/127\.0\.0\.1:8000/)
})
