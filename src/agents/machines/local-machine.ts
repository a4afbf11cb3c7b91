import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { homedir, hostname } from 'node:os'
import { signalGroup } from '../group.ts'
import { attend, type Begun } from './attend.ts'
import { launched } from './launch.ts'
import type { CopyOptions, Machine, RunOptions } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import { placeHere } from './place-of.ts'
import { copyFolder } from './rsync.ts'

/**
 * This machine. A program runs in a group of its own, and is ended with all of that group: when it is told to, and also when this
 * process dies, however it does. `home` is where relative paths begin, if not where the user is at home.
 */
export const localMachine = ({ home = homedir() }: { readonly home?: string } = {}): Machine => {
  const name = hostname()
  const here: Machine['run'] = (program, options) => run(program, options, home, name)
  const copy = async (from: string, to: string, trusted: boolean, options: CopyOptions) =>
    copyFolder(here, { from: placeHere(from, home), to: placeHere(to, home), trusted, ends: [name, name] }, options)
  return {
    name,
    run: here,
    send: (from, to, options) => copy(from, to, true, options),
    fetch: (from, to, options) => copy(from, to, false, options),
  }
}

const run = async (program: readonly [string, ...string[]], options: RunOptions, home: string, where: string) => {
  options.signal.throwIfAborted()
  const folder = placeHere(options.folder ?? '.', home)
  const [shell, ...args] = launched(program, folder)
  const child = spawn(shell, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined) // Nothing is written to it: whoever reads it may be gone.
  const exited = once(child, 'exit').then(
    ([code, killedBy]) => ({ code: code as number | null, killedBy: killedBy as string | null }),
    (cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? machineFaults.noProgram(where, shell) : cause
    },
  )
  const begun: Begun = {
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    whole: () => undefined,
    release: () => child.stdin.destroy(),
    drop: () => child.pid !== undefined && signalGroup(child.pid, 'SIGKILL'),
  }
  return attend(begun, program[0], { ...options, folder }, where)
}
