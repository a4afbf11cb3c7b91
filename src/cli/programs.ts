import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import type { Exec, Pipeline } from '#agents/pipelines/shape'

/** A program that a node names and that is not here. */
export type Missing = { readonly part: string; readonly said: string }

/** The programs of a pipeline's actions that this machine could not start; another one, which runs the node, may. */
export const missingPrograms = ({ name, actions }: Pipeline, base: string): readonly Missing[] =>
  Object.entries(actions).flatMap(([node, { exec }]) => {
    const found = exec && notFound(exec, base)
    const part = `${name}/${node}`
    return found ? [{ part, said: `${part}: ${found}; the host that runs it must have it` }] : []
  })

/** Why a program could not be started here; undefined where it could. Looked for as the one who starts it does. */
const notFound = (exec: Exec, base: string): string | undefined => {
  const { command, cwd = '.', env = {} } = 'command' in exec ? exec : { command: exec }
  const [program = ''] = command
  const folder = resolve(base, cwd)
  if (!isFolder(folder)) return `the folder ${folder}, in which it runs ${program}, is not on this machine`
  if (program.includes('/')) {
    const file = resolve(folder, program)
    return isProgram(file) ? undefined : `there is no program ${file} on this machine`
  }
  const { PATH: path = process.env.PATH ?? '' } = env
  return path.split(delimiter).some((one) => isProgram(resolve(folder, one, program)))
    ? undefined
    : `there is no program ${program} on this machine's PATH`
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
