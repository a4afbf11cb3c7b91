import { accessSync, constants, lstatSync, mkdirSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { faults, reasonOf } from './fault.ts'

/** Makes a folder where it is missing. `whose` completes the sentence "<whose> can't have its folder". */
export const makeFolder = (whose: string, folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw faults.noFolder(whose, folder, obstacleTo(folder) ?? `${reasonOf(cause)}. ${elsewhere}`, cause)
  }
}

const elsewhere = 'Let this user write there, or name another path'

/** Why a folder could not be made, and what to do; undefined where nothing is seen that forbids it. Makes nothing. */
export const obstacleTo = (folder: string): string | undefined => {
  const [at, found] = nearestThere(folder)
  if (found.isSymbolicLink() && !leadsSomewhere(at))
    return `${at} is a link to ${readlinkSync(at)}, which is not there. Make that, or remove the link`
  if (!statSync(at).isDirectory()) return `a file lies at ${at}. Move it away, or name another path`
  return at === folder || mayMakeIn(at) ? undefined : `${at} can't be written. ${elsewhere}`
}

/** A path, or the nearest folder above it where nothing is there or it can't be looked at; what lies there, a link as it is. */
const nearestThere = (path: string): readonly [string, Stats] => {
  try {
    return [path, lstatSync(path)]
  } catch (cause) {
    if (dirname(path) === path) throw cause
    return nearestThere(dirname(path))
  }
}

const leadsSomewhere = (link: string): boolean => {
  try {
    statSync(link)
    return true
  } catch {
    return false
  }
}

const mayMakeIn = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
