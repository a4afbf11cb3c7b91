import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { portFor } from '../../examples/experiment/machines.ts'
import { freePort, temporaryFolders } from '../processes.ts'

const newFolder = temporaryFolders()

test('a testbed’s registry stays at its port, or says who is to make room; all else moves', async () => {
  const [folder, port] = [newFolder(), await freePort()]
  mkdirSync(join(folder, 'ports'))
  for (const name of ['registry', 'web']) writeFileSync(join(folder, 'ports', name), String(port))
  expect(await portFor(folder, 'registry', 'it is known')).toBe(port)
  const other = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  await expect(portFor(folder, 'registry', 'it is known')).rejects.toThrow(
    `Something listens at port ${port}, where the registry of this testbed was, and it is known. End it`,
  )
  expect(readFileSync(join(folder, 'ports/registry'), 'utf8')).toBe(String(port))
  expect(await portFor(folder, 'web')).not.toBe(port)
})
