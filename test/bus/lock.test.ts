import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeLock } from '#bus/lock'

test('a lock whose end could not be said is let go all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'lock')
  const lock = await takeLock(path, 'The folder')
  const { id } = JSON.parse(readFileSync(path, 'utf8'))
  mkdirSync(`${path}.${id}`) // As on a full disk, what says that it is ending can't be written.
  await expect(lock.end()).rejects.toThrow()
  await lock.release()
  expect(readdirSync(folder)).not.toContain('lock')
})
