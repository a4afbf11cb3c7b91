import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Exported, mistakesAcross } from '#agents/pipelines/between'
import { loadExported } from '#agents/pipelines/config'
import type { Pipeline } from '#agents/pipelines/shape'
import { Fault, faults, reasonOf } from '#bus/fault'

/** Imports a config and gives its pipelines. One that can't be imported is a fault that names the file and the line. */
export const readConfig = async (config: string, base?: string): Promise<Pipeline[]> =>
  (await readExported(config, base)).map(({ pipeline }) => pipeline)

const readExported = async (config: string, base?: string): Promise<Exported[]> => {
  const file = resolve(config)
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) throw faults.unreadableConfig(file, 'there is no such file', undefined)
  if (found.isDirectory()) throw faults.unreadableConfig(file, 'it is a folder: name a config in it', undefined)
  if (!/\.[cm]?[jt]s$/.test(file))
    throw faults.unreadableConfig(file, 'a config is a .ts or a .js file: name one', undefined)
  try {
    return await loadExported(file, base)
  } catch (cause) {
    if (!(cause instanceof Fault && cause.code === 'config.unreadable')) throw cause
    throw faults.unreadableConfig(file, `${reasonOf(cause.cause)}${await placeOf(cause.cause, file)}`, cause.cause)
  }
}

/** Every pipeline of some configs, by config; what is wrong with any of them, or between them, is told at once. */
export const readConfigs = async (given: readonly string[], base?: string): Promise<Map<string, Pipeline[]>> => {
  const configs = given.filter((one, index) => given.findIndex((other) => resolve(other) === resolve(one)) === index)
  const read = await Promise.allSettled(configs.map((config) => readExported(config, base)))
  const found = read.map((one) => (one.status === 'fulfilled' ? one.value : []))
  const across = mistakesAcross(found.flat())
  const wrong = read.flatMap((one, index): unknown[] => {
    if (one.status === 'rejected') return [one.reason]
    const file = resolve(configs[index] ?? '')
    const mistakes = across.flatMap((one) => (one.file === file ? [one.mistake] : []))
    return mistakes.length > 0 ? [faults.badConfig(file, mistakes)] : []
  })
  if (wrong.length === 1) throw wrong[0]
  if (wrong.length > 1) throw new Fault('config.bad', wrong.map(reasonOf).join('\n'))
  return new Map(found.map((one, index) => [configs[index] ?? '', one.map(({ pipeline }) => pipeline)]))
}

/** Where something that an import threw comes from: ` at <file>:<line>`; nothing where that is not known. */
const placeOf = async (thrown: unknown, config: string): Promise<string> => {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  const place = firstLine.exec(stack) ?? stack.split('\n').flatMap((line) => ownFrame.exec(line) ?? []) ?? []
  if (place[1]) return at(place[1], place[2])
  // Of a module in JavaScript, Node tells the place of what it can't parse only on a terminal.
  if (!(thrown instanceof SyntaxError)) return ''
  const told = await promisify(execFile)(process.execPath, ['--check', config]).catch(({ stderr }) => String(stderr))
  const [, file, line] = (typeof told === 'string' && firstLine.exec(told)) || []
  return file ? at(file, line) : ''
}

const firstLine = /^(\/.+|[A-Z]:\\.+|file:.+):(\d+)\n/
const ownFrame = /(file:(?!.*node_modules)[^\s()]+):(\d+):\d+/

const at = (file: string, line = ''): string => ` at ${file.startsWith('file:') ? fileURLToPath(file) : file}:${line}`
