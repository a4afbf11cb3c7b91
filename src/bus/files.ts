import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from './fault.ts'
import { takeLock } from './lock.ts'

/** What a file says; undefined where it cannot be read. */
export const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** Writes a file that appears whole or not at all. By default only its owner may read it. */
export const writeWhole = async (path: string, text: string, mode = 0o600): Promise<void> => {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, text, { mode })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Does something in a folder while no other process does: they wait for each other, for ten seconds at most. */
export const inTurn = async <T>(folder: string, action: () => Promise<T>): Promise<T> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (let tries = 0; ; tries++) {
    try {
      const { release } = await takeLock(join(folder, 'lock'), `The folder ${folder}`)
      return await action().finally(release)
    } catch (cause) {
      if (!(cause instanceof Fault && cause.code === 'lock.held') || tries === 200) throw cause
      await delay(50)
    }
  }
}
