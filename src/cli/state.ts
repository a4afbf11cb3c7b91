import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, extname, join, resolve } from 'node:path'
import { nameFrom } from '#contracts/names'

/** Where everything lies that Millrace keeps on a machine, unless told otherwise. */
export const defaultState = '.millrace'

/** The default name of a host: the machine and the config. */
export const hostNameOf = (configPath: string): string =>
  nameFrom(`${hostname()}-${basename(configPath, extname(configPath))}`)

/** What one host keeps under the state folder. */
export const hostState = (state: string, host: string) => {
  const folder = resolve(state, 'hosts', host)
  mkdirSync(folder, { recursive: true })
  return {
    lock: join(folder, 'lock'),
    log: join(folder, 'host.log'),
    local: (logId: string) => join(folder, `${nameFrom(logId)}.db`),
    /** The id of this installation of the host: made once, kept over restarts. */
    instance: (): string => {
      const file = join(folder, 'instance')
      if (!existsSync(file)) writeFileSync(file, randomUUID(), { flag: 'wx' })
      return readFileSync(file, 'utf8').trim()
    },
  }
}
