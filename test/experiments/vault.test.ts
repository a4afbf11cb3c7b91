import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openVault } from '#agents/uploads/secrets'
import { temporaryFolders } from '../processes.ts'
import { faultOf } from './results.ts'

const newFolder = temporaryFolders()
const secret = 'a-secret-of-tests'

test('a vault gives back what was put into it, also when it is opened again, and nothing of it lies there to be read', async () => {
  const folder = join(newFolder(), 'vault')
  const key = await (await openVault({ folder })).put(secret)
  const again = await openVault({ folder })
  expect(await again.get(key)).toBe(secret)
  expect(key).toMatch(/^[\w-]{20,128}$/)
  for (const name of readdirSync(folder)) {
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, name)).includes(secret)).toBe(false)
  }
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

test('what is forgotten is missing, and forgetting it twice is no harm', async () => {
  const vault = await openVault({ folder: newFolder() })
  const [gone, kept] = [await vault.put(secret), await vault.put('another')]
  await vault.forget(gone)
  await vault.forget(gone)
  expect(await faultOf(vault.get(gone))).toMatchObject({
    code: 'vault.missing',
    message: expect.stringMatching(/Set the cloud link anew/),
  })
  expect(await vault.get(kept)).toBe('another')
})

test('a file that stands for another, that was changed or cut off, or that another key closed is not opened', async () => {
  const folder = newFolder()
  const vault = await openVault({ folder })
  const [one, other] = [await vault.put(secret), await vault.put('another')]
  const fileOf = (key: string) => join(folder, `${key}.secret`)
  expect((await faultOf((await openVault({ folder, key: randomBytes(32) })).get(one))).message).toMatch(/another key/)
  copyFileSync(fileOf(other), fileOf(one))
  expect(await faultOf(vault.get(one))).toMatchObject({ code: 'vault.shut' })
  const bytes = readFileSync(fileOf(other))
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(fileOf(other), bytes)
  expect(await faultOf(vault.get(other))).toMatchObject({ code: 'vault.shut' })
  writeFileSync(fileOf(other), bytes.subarray(0, 7))
  expect(await faultOf(vault.get(other))).toMatchObject({ code: 'vault.shut' })
})

test('a key that is a path leads nowhere', async () => {
  const folder = newFolder()
  const vault = await openVault({ folder: join(folder, 'vault') })
  for (const key of ['../outside', 'a/b', '', '.', '../vault.key']) {
    expect(await faultOf(vault.get(key))).toMatchObject({ code: 'vault.missing' })
    expect(await faultOf(vault.forget(key))).toMatchObject({ code: 'vault.missing' })
  }
})

test('a key that others may read, or that is none, is refused', async () => {
  const folder = newFolder()
  await openVault({ folder })
  chmodSync(join(folder, 'vault.key'), 0o644)
  expect((await faultOf(openVault({ folder }))).message).toMatch(/chmod 600/)
  expect((await faultOf(openVault({ folder, key: Buffer.alloc(7) }))).message).toMatch(/7 bytes/)
})

test('of several who open a new vault at once all use the same key', async () => {
  const folder = newFolder()
  const vaults = await Promise.all(Array.from({ length: 8 }, () => openVault({ folder })))
  const key = await vaults[0]!.put(secret)
  expect(await Promise.all(vaults.map(({ get }) => get(key)))).toEqual(Array(8).fill(secret))
})
