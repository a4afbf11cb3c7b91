import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { signalGroup } from '../group.ts'
import { byLine } from '../lines.ts'
import type { LogLevel } from '../result.ts'

const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './runner.ts' : './runner.js', import.meta.url))

/** How long a process that has nothing to do is kept, in milliseconds; one is kept for ever. */
const idleFor = 30_000

/** How long what a process has written may take to arrive once it has ended, in milliseconds. */
const outputFor = 500

/** How much of what a process wrote last is said where it died, in characters. */
const mostWords = 2_000

type Hear = (level: LogLevel, line: string) => void

/** A process that can execute a user's functions, one after the other, and what is heard of it. */
export type Process = {
  readonly child: ChildProcess
  /** Its process group, so that whatever it starts can be ended with it. */
  readonly leader: number
  readonly exited: Promise<{ readonly code: number | null; readonly killedBy: string | null }>
  /** Hands what it writes to somebody else from now on. */
  readonly listen: (hear: Hear) => void
  /** Resolves once all has been heard that it wrote before it wrote this line to both its outputs. */
  readonly marked: (mark: string) => Promise<unknown>
  /** Resolves once all has been heard that it wrote before it ended, or after a while: somebody may hold its outputs open. */
  readonly heard: () => Promise<void>
  readonly lastWords: () => string
}

/** Starts processes for the functions of a pipeline, keeps one started ahead, and those that can be used again. */
export const openProcesses = (
  { configPath, base, pipeline }: { readonly configPath: string; readonly base: string; readonly pipeline: string },
  signal: AbortSignal,
) => {
  const idle: { readonly process: Process; readonly timer: NodeJS.Timeout }[] = []
  let warm: Promise<Process> | undefined

  /** Rejects where there can be no process. */
  const launch = async (): Promise<Process> => {
    const child = fork(entry, [configPath, base, pipeline, String(process.pid)], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true, // In a process group of its own.
    })
    child.on('error', () => undefined) // Without a listener, it would end the host.
    await once(child, 'spawn')
    return listening(child)
  }

  const lives = ({ child }: Process): boolean => child.connected && child.exitCode === null && child.signalCode === null

  const take = async (): Promise<Process> => {
    for (let kept = idle.pop(); kept; kept = idle.pop()) {
      clearTimeout(kept.timer)
      if (lives(kept.process)) return kept.process
    }
    const prepared = warm
    warm = undefined
    const process = await prepared?.catch(() => undefined)
    return process && lives(process) ? process : launch()
  }

  /** Starts the next process ahead of its need. */
  const prepare = (): void => {
    if (signal.aborted || warm || idle.length > 0) return
    warm = launch()
    warm.catch(() => undefined) // Tried again when it is needed, and told then.
  }

  /** Keeps a process that has nothing to do any more, so that the next execution begins at once. */
  const giveBack = (process: Process): void => {
    if (signal.aborted) return void signalGroup(process.leader, 'SIGKILL')
    const retire = () => {
      const at = idle.indexOf(kept)
      if (at < 0) return
      if (idle.length === 1 && !warm) return void kept.timer.refresh()
      idle.splice(at, 1)
      signalGroup(process.leader, 'SIGKILL')
    }
    const kept = { process, timer: setTimeout(retire, idleFor).unref() }
    idle.push(kept)
  }

  signal.addEventListener('abort', () => {
    for (const { process, timer } of idle.splice(0)) {
      clearTimeout(timer)
      signalGroup(process.leader, 'SIGKILL')
    }
    warm?.then(
      ({ leader }) => signalGroup(leader, 'SIGKILL'),
      () => undefined,
    )
  })
  prepare()
  return { take, giveBack, prepare }
}

const listening = (child: ChildProcess): Process => {
  let hear: Hear = () => undefined
  let words = ''
  const waiting = new Map<string, { left: number; readonly done: () => void }>()
  const outputOf = (level: LogLevel, stream: Readable | null) => {
    const lines = byLine((line) => {
      const mark = waiting.get(line)
      if (!mark) return hear(level, line)
      mark.left--
      if (mark.left === 0) mark.done()
    })
    stream?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-mostWords)
      lines.add(text)
    })
    return { stream, lines }
  }
  const outputs = [outputOf('info', child.stdout), outputOf('warn', child.stderr)]
  const { promise: exited, resolve } = Promise.withResolvers<Awaited<Process['exited']>>()
  // Not 'close': it does not come once the channel has been disconnected from here.
  child.once('exit', (code, killedBy) => resolve({ code, killedBy }))
  return {
    child,
    leader: child.pid as number,
    exited,
    listen: (next) => {
      hear = next
      words = ''
    },
    marked: (mark) => {
      const { promise, resolve: done } = Promise.withResolvers<void>()
      waiting.set(mark, { left: outputs.length, done })
      return promise.finally(() => waiting.delete(mark))
    },
    heard: async () => {
      const all = Promise.allSettled(outputs.map(({ stream }) => stream && finished(stream)))
      await Promise.race([all, delay(outputFor, undefined, { ref: false })])
      for (const { stream, lines } of outputs) {
        stream?.destroy()
        lines.end()
      }
    },
    lastWords: () => words,
  }
}
