import { type ChildProcess, type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, onTestFailed, type TestContext, TestRunner } from 'vitest'

const root = join(import.meta.dirname, '..')
const main = join(root, 'src/cli/main.ts')

/** Whether tests have their long form: ten times as much, and minutes where seconds would show it. */
export const slow = process.env.MILLRACE_SLOW === 'true'

/** Makes temporary folders for the tests of a file; at its end, what still runs in them is ended, and they are removed. */
export const temporaryFolders = (): (() => string) => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) {
      for (const { pid } of processesWith(folder)) process.kill(pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'))
    folders.push(folder)
    return folder
  }
}

const isFree = async (port: number): Promise<boolean> => {
  const probe = createServer().listen(port, '127.0.0.1')
  const listens = await once(probe, 'listening').then(
    () => true,
    () => false,
  )
  if (listens) await new Promise((resolve) => probe.close(resolve))
  return listens
}

/** What ports the tests of one of three workers are given: those below what the system gives to connections, and no other worker's. */
const portsEach = 6_500
const firstPort = 12_000 + ((Number(process.env.VITEST_POOL_ID ?? 1) - 1) % 3) * portsEach

let drawn = Math.floor(Math.random() * portsEach)

/** The first of several ports in a row that nobody listens at, and that no other test of this process has been given. */
export const freePort = async (several = 1): Promise<number> => {
  for (;;) {
    if (drawn + several > portsEach) drawn = 0
    const first = firstPort + drawn
    drawn += several
    const free = await Promise.all(Array.from({ length: several }, (_, at) => isFree(first + at)))
    if (!free.includes(false)) return first
  }
}

export type Started = {
  readonly child: ChildProcess
  readonly output: () => string
  readonly ended: Promise<number | null>
  /** Resolves when the output matches; rejects with the output when the process ends first. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>
}

/** Starts a verb as a real process. */
export const millrace = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Started =>
  run(process.execPath, ['--conditions=source', main, ...args], { cwd: root, env: { ...process.env, ...env } })

/**
 * Starts a program, and hears what it says; where the test fails that has started it, that is printed. Which one that is
 * cannot be known of tests that run at the same time: see `printedBy`.
 */
export const run = (program: string, args: readonly string[], options: SpawnOptions = {}): Started => {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }) as ChildProcessByStdio<
    null,
    Readable,
    Readable
  >
  let output = ''
  const listeners = new Set<() => void>()
  const hear = (text: string) => {
    output += text
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', hear)
  child.stderr.setEncoding('utf8').on('data', hear)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const test = TestRunner.getCurrentTest()
  if (test && !test.concurrent) {
    const how = () => (child.exitCode === null && child.signalCode === null ? 'which runs' : 'which has ended')
    onTestFailed(() => console.error(`${program} ${args.join(' ')}, ${how()}, has said:\n${output.slice(-4_000)}`))
  }
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output)
        if (!found) return
        listeners.delete(look)
        resolve(found)
      }
      listeners.add(look)
      look()
      void ended.then((code) => reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`)))
    })
  return { child, output: () => output, ended, says }
}

/** Has a test that runs beside others print what a process of it has said, where it fails. */
export const printedBy = ({ task, onTestFailed: failed }: TestContext, name: string, started: Started): Started => {
  failed(() => console.error(`${name} of '${task.name}' has said:\n${started.output().slice(-4_000)}`))
  return started
}

/** Asks a process to stop, and waits until it has. */
export const stop = async ({ child, ended }: Started): Promise<number | null> => {
  child.kill('SIGTERM')
  return ended
}

/** Every process of this machine whose command line holds a text, by id. */
export const processesWith = (text: string): { readonly pid: number; readonly command: string }[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(text) ? [{ pid: Number(pid), command }] : []
      } catch {
        return [] // It has ended meanwhile.
      }
    })

/** The process whose command line holds all these texts. Throws where there is none: the id 0 would mean all of this group. */
export const processWith = (
  text: string,
  ...more: readonly string[]
): { readonly pid: number; readonly command: string } => {
  const [found] = processesWith(text).filter(({ command }) => more.every((one) => command.includes(one)))
  if (!found) throw new Error(`No process has ${[text, ...more].join(' and ')} in its command line`)
  return found
}
