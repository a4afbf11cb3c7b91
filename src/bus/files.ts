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
  return locked(join(folder, 'lock'), `The folder ${folder}`, action)
}

/** The same with one file: the lock lies beside it. */
export const inTurnWith = <T>(file: string, action: () => Promise<T>): Promise<T> =>
  locked(`${file}.lock`, `The file ${file}`, action)

const locked = async <T>(path: string, what: string, action: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries++) {
    const lock = await takeLock(path, what).catch((cause: unknown) => {
      if (!(cause instanceof Fault && cause.code === 'lock.held') || tries === 200) throw cause
    })
    if (lock) return action().finally(lock.release)
    await delay(50)
  }
}
