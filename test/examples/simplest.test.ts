import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run, temporaryFolders } from '../processes.ts'

const root = join(import.meta.dirname, '../..')
const newFolder = temporaryFolders()

/** The example and its test as a user has them: in a folder of its own, with the package beside them. */
const installed = (): string => {
  const folder = newFolder()
  for (const file of ['simplest.ts', 'simplest.test.ts'])
    cpSync(join(root, 'examples/simplest', file), join(folder, file))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/millrace'))
  return folder
}

/** Runs the test with what Node has; no server answers at the address that it is given. */
const tested = async (folder: string) => {
  const args = ['--conditions=source', '--test', '--test-reporter=tap', 'simplest.test.ts']
  const { NODE_OPTIONS: _, ...env } = process.env
  const { ended, output } = run(process.execPath, args, {
    cwd: folder,
    env: { ...env, NATS_URL: 'nats://127.0.0.1:1' },
  })
  return { code: await ended, output: output() }
}

test('a user tests a pipeline with what Node has, without a server, and nothing is left behind', async () => {
  const folder = installed()
  const { code, output } = await tested(folder)
  expect(code, output).toBe(0)
  expect(output).toMatch(/^# pass 2$/m)
  expect(readdirSync(folder).toSorted()).toEqual(['node_modules', 'simplest.test.ts', 'simplest.ts'])
})

test('such a test fails where the pipeline does something else', async () => {
  const folder = installed()
  const config = join(folder, 'simplest.ts')
  writeFileSync(config, readFileSync(config, 'utf8').replace(/run \$/, 'round $'))
  const { code, output } = await tested(folder)
  expect(code, output).toBe(1)
  expect(output).toMatch(/^# fail 1$/m)
  expect(output).toContain('round 0: a.txt')
})
