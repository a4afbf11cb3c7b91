import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { Fault, faults, reasonOf } from '#bus/fault'
import { mistakesOf } from '#contracts/all'
import { exact } from '#contracts/fields'
import { shown } from './print.ts'

/** What `up` starts together: configs, each with the port of its web process. */
const together = exact({
  hosts: z.array(exact({ config: z.string(), port: z.int().min(1).max(65535) })).min(1),
  /** Does something that starts a run, and says what; told where the configs' relative paths begin. */
  demonstrate: z.custom<(base: string) => Promise<string>>((value) => typeof value === 'function').optional(),
})

export type Plan = {
  readonly hosts: readonly { readonly config: string; readonly port: number }[]
  /** Where relative paths begin. */
  readonly folder: string
  readonly demonstrate?: ((base: string) => Promise<string>) | undefined
}

/** The file in a folder that says what is started together. */
const fileName = 'millrace.config.ts'

/** Reads what is to be started: one config, or a folder that names several. */
export const planOf = async (target: string, port: number | undefined): Promise<Plan> => {
  const path = resolve(target)
  if (!existsSync(path)) throw faults.unreadableConfig(path, 'there is no such file or folder', undefined)
  if (!statSync(path).isDirectory()) return { hosts: [{ config: path, port: port ?? 8000 }], folder: dirname(path) }
  const file = join(path, fileName)
  if (!existsSync(file)) throw nothingTogether(path, target)
  const module = (await import(pathToFileURL(file).href).catch((cause: unknown) => {
    throw faults.unreadableConfig(file, reasonOf(cause), cause)
  })) as { readonly together?: unknown }
  const parsed = together.safeParse(module.together)
  if (!parsed.success)
    throw faults.badConfig(
      file,
      mistakesOf(parsed.error.issues).map((mistake) => `together.${mistake}`),
    )
  const { hosts, demonstrate } = parsed.data
  const shift = port === undefined ? 0 : port - (hosts[0]?.port ?? port)
  const placed = hosts.map(({ config, port: own }) => ({ config: resolve(path, config), port: own + shift }))
  const astray = placed.find(({ port }) => port < 1 || port > 65_535)
  if (astray)
    throw new Fault(
      'config.port',
      `With --port ${port}, ${basename(astray.config)} would come to port ${astray.port}, which is none: its port in ${fileName} is as far from the first one's`,
    )
  return { hosts: placed, folder: path, demonstrate }
}

/** A folder in which nothing says what is started together; what lies there may be meant. */
const nothingTogether = (folder: string, target: string): Fault => {
  const configs = readdirSync(folder)
    .filter((name) => ['.ts', '.mts', '.js', '.mjs'].includes(extname(name)))
    .filter((name) => /from ['"]millrace['"]/.test(readFileSync(join(folder, name), 'utf8')))
    .map((name) => `millrace up ${shown(join(folder, name))}`)
  const advice = configs.length > 0 ? `Start a config that lies there: ${configs.join(', or: ')}` : ''
  return new Fault(
    'config.folder',
    `${folder} has no ${fileName}, the file that says which configs are started together. ${advice || `Name a config, or write one with: millrace init ${target}`}`,
  )
}
