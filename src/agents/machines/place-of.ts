import { isAbsolute, resolve } from 'node:path'
import { machineFaults } from './machine-faults.ts'

/**
 * A path as every program takes it for one: absolute, or from `./`, where its user is at home. `~/` means the same. A path that
 * begins with a dash, that is empty or that holds a NUL is refused.
 */
export const placeOf = (path: string): string => {
  if (path.startsWith('-') || path === '' || path.includes('\0'))
    throw machineFaults.badName('a path on a machine', path, 'it is empty, begins with a dash or holds a NUL')
  if (isAbsolute(path)) return path
  return path === '~' ? './' : `./${path.replace(/^~\//, '')}`
}

/** The same on this machine, as an absolute path. */
export const placeHere = (path: string, home: string): string => resolve(home, placeOf(path))
