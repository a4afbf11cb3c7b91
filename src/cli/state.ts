import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, extname, join, resolve } from 'node:path'
import { nameFrom } from '#contracts/names'

/**
 * A folder under the state folder, made where it is missing. A state folder that is made here is one that git passes over:
 * it holds keys.
 */
export const stateFolder = (state: string, ...names: readonly string[]): string => {
  if (mkdirSync(resolve(state), { recursive: true, mode: 0o755 })) writeFileSync(resolve(state, '.gitignore'), '*\n')
  const folder = resolve(state, ...names)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** The default name of a host: the machine and the config. */
export const hostNameOf = (configPath: string): string =>
  nameFrom(`${hostname()}-${basename(configPath, extname(configPath))}`)

/** What one host keeps under the state folder. */
export const hostState = (state: string, host: string) => {
  const folder = stateFolder(state, 'hosts', host)
  return {
    lock: join(folder, 'lock'),
    log: join(folder, 'host.log'),
    scratch: join(folder, 'scratch'),
    local: (logId: string) => join(folder, `${nameFrom(logId)}.db`),
    /** The id of this installation of the host: made once, kept over restarts. */
    instance: (): string => {
      const file = join(folder, 'instance')
      if (!existsSync(file)) writeFileSync(file, randomUUID(), { flag: 'wx' })
      return readFileSync(file, 'utf8').trim()
    },
  }
}
