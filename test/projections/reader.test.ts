import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openForBuilding } from '#projections/database'
import { metadata } from '#projections/metadata'
import { openReader } from '#projections/reader'
import { folder } from './story.ts'

test('a database that another program holds for itself is said to be busy, and soon', async () => {
  const path = join(await folder(), 'metadata.db')
  const other = openForBuilding(path, metadata, 'log')
  const reader = openReader(path, metadata)
  expect(reader.read((_, { logId }) => logId)).toBe('log')
  other.exec('begin exclusive')
  const began = performance.now()
  expect(() => reader.read(() => undefined)).toThrow(expect.objectContaining({ code: 'projection.busy' }))
  expect(performance.now() - began).toBeLessThan(3_000)
  other.close()
  expect(reader.read((_, { logId }) => logId)).toBe('log')
  reader.close()
})
