import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { metadata } from '#projections/metadata'

test('the SQL of this version makes the tables as they are defined', async () => {
  const tool = [
    'node_modules/drizzle-kit/bin.cjs',
    'export',
    '--dialect',
    'sqlite',
    '--schema',
    'src/projections/*-tables.ts',
  ]
  // Of the sources: what was built, if anything was, may be of another day.
  const env = { ...process.env, NODE_OPTIONS: '--conditions=source' }
  const { stdout } = await promisify(execFile)(process.execPath, tool, { env })
  expect(metadata.schema.trim()).toBe(stdout.trim())
})
