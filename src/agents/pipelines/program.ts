import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { faults } from '#bus/fault'
import { byLine } from '../lines.ts'
import type { Drafts } from './context-of.ts'
import { digestOfFile } from './folder.ts'
import type { Assignment } from './messages.ts'
import { openReports } from './reporting.ts'
import { reportIn } from './reports.ts'
import type { Context, Exec, Pipeline } from './shape.ts'

/** How long nothing more must arrive of a program that has ended until all has, in milliseconds; and how often that is waited for. */
const outputFor = 500
const outputTimes = 20

/** How much of a program's last line is said where it broke, in characters; all of it is in its log. */
const mostWords = 2_000

/** A report may hold a param of any shape: it is longer than a line of text. */
const longestReport = 1024 * 1024

type Given = {
  /** Where the config's relative paths begin. */
  readonly base: string
  readonly pipeline: Pipeline
  readonly assignment: Assignment & Drafts
  readonly context: Context
  readonly used: (node: string, path: string, digest: string) => Promise<unknown>
  /** Hands on what the program writes; false: not until `drained` is called, should there be more. */
  readonly write: (output: 'stdout' | 'stderr', text: string, drained: () => void) => boolean
  /** Tells the program, and all that it started, to stop. */
  readonly stop: (pid: number) => void
}

/**
 * Runs a program as an action. It finds its inputs in the JSON file that `MILLRACE_INPUT` names, and reports by lines of its
 * standard output (see `reports.ts`); all else that it writes is its log. It runs in this process's group, so that it ends with
 * it. Resolves as a function would: with its message, or with what it says against itself; rejects where it exits with
 * anything but 0.
 */
export const runProgram = async (exec: Exec, given: Given): Promise<unknown> => {
  const { base, pipeline, context, assignment } = given
  const { command, cwd = '.', env = {} } = 'command' in exec ? exec : { command: exec }
  const [program = '', ...args] = command
  const folder = resolve(base, cwd)
  const scratch = await mkdtemp(join(tmpdir(), 'millrace-'))
  try {
    const input = join(scratch, 'input.json')
    await writeFile(input, JSON.stringify(inputOf(given), undefined, 2))
    await handOver(given)
    const { run } = assignment
    const child = spawn(program, args, {
      cwd: folder,
      env: {
        ...process.env,
        PYTHONUNBUFFERED: '1', // A line that waits in a buffer is no report while it waits.
        MILLRACE_INPUT: input,
        MILLRACE_RUN: `${run.pipeline}/${run.number}`,
        MILLRACE_NODE: `${given.pipeline.name}/${assignment.node}`,
        MILLRACE_ATTEMPT: String(run.attempt),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { promise: ended, resolve: end, reject } = Promise.withResolvers<string | undefined>()
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'ENOENT' ? faults.noProgram(program, folder) : cause),
    )
    child.once('exit', (code, signal) => end(code === 0 ? undefined : (signal ?? `code ${code}`)))
    const stop = () => child.pid !== undefined && given.stop(child.pid)
    context.signal.addEventListener('abort', stop, { once: true })
    if (context.signal.aborted) stop()

    const told = openReports({ pipeline, context, folder, used: given.used })
    let [words, complaints] = ['', '']
    const write = (text: string): void => {
      words = (words + text).slice(-mostWords)
      // As fast as somebody reads it: what is written faster must not lie in the memory.
      if (!given.write('stdout', text, () => child.stdout.resume())) child.stdout.pause()
    }
    const lines = byLine((line) => {
      const report = reportIn(line)
      if (report === undefined) return write(`${line}\n`)
      if ('mistake' in report) context.log.warn(report.mistake)
      else told.take(report)
      return undefined
    }, longestReport)
    let chunks = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      chunks++
      lines.add(text)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      chunks++
      complaints = (complaints + text).slice(-mostWords)
      if (!given.write('stderr', text, () => child.stderr.resume())) child.stderr.pause()
    })
    let isClosed = false
    const closed = new Promise<void>((done) =>
      child.once('close', () => {
        isClosed = true
        done()
      }),
    )
    const broke = await ended.finally(() => context.signal.removeEventListener('abort', stop))
    // Somebody who left the program behind may hold its output open for as long as he likes, and even write to it.
    for (let times = 0, before = -1; !isClosed && before !== chunks && times < outputTimes; times++) {
      before = chunks
      await Promise.race([closed, delay(outputFor)])
      await new Promise((resolve) => setImmediate(resolve)) // Where this process stood still, what has come is still to be read.
    }
    lines.end()
    const said = await told.end()
    // What was told to stop and went quietly has not done its work: nobody can tell it from what came to its end.
    if (context.signal.aborted) throw broken(`${program} was stopped`)
    if (broke !== undefined && !('failed' in Object(said)))
      throw broken(`${program} ended with ${broke}`, lastLine(complaints) || lastLine(words))
    return said
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** A program's failure has no place in anybody's code: its stack would only hide what it said. */
const broken = (what: string, words = ''): Error => {
  const failure = new Error(words ? `${what}: ${words}` : what)
  failure.stack = ''
  return failure
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? ''

/** What a program is told: its run, its inputs, and the folders of the stores of its pipeline; null where that is elsewhere. */
const inputOf = ({ assignment: { run, node: action, inputs, drafts = {} }, pipeline }: Given): object => ({
  run,
  node: `${pipeline.name}/${action}`,
  inputs,
  stores: Object.fromEntries(
    Object.entries(pipeline.stores).flatMap(([node, one]) => {
      if (!('path' in one) || one.kind === 'metadata-store') return []
      return [[node, { kind: one.kind, folder: drafts[node] === undefined ? one.path : null }]]
    }),
  ),
})

/** What a program is handed counts as used by it: with the digest of the bytes that lie there now. */
const handOver = async ({ assignment, used }: Given): Promise<void> => {
  for (const [node, files] of Object.entries(assignment.inputs))
    for (const { path, digest, file } of files) {
      const found = await digestOfFile(file).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw cause
        return { digest: undefined }
      })
      if (found.digest !== digest) throw faults.changed(`${path} in ${node}`, digest, found.digest)
      await used(node, path, digest)
    }
}
