import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { reasonOf } from '#bus/fault'
import { endGroup, signalGroup } from './group.ts'
import { byLine } from './lines.ts'
import type { Assignment, FromRunner, LogLevel, Lost, Result, ToRunner } from './messages.ts'

/** How long a function may take to notice that it is to stop, in milliseconds. */
const grace = 5_000

/** How long what a process has written may take to arrive once it has ended, in milliseconds. */
const outputFor = 500

/** What the host does for a function that runs. */
export type Services = {
  /** `signal` aborts when nobody waits for the answer any longer. */
  readonly call: (node: string, verb: string, args: unknown, signal: AbortSignal) => Promise<unknown>
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './runner.ts' : './runner.js', import.meta.url))

/** Processes for a user's functions: each runs one execution; one is kept warm, so that the next begins at once. */
export const openRunners = (
  { configPath, base, pipeline }: { readonly configPath: string; readonly base: string; readonly pipeline: string },
  signal: AbortSignal,
) => {
  let warm: Promise<ChildProcess> | undefined

  /** In a process group of its own, so that whatever it starts can be ended with it. Rejects where there can be no process. */
  const launch = async (): Promise<ChildProcess> => {
    const child = fork(entry, [configPath, base, pipeline, String(process.pid)], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    child.on('error', () => undefined) // Without a listener, it would end the host.
    await once(child, 'spawn')
    return child
  }

  const take = async (): Promise<ChildProcess> => {
    const prepared = warm
    warm = undefined
    const child = await prepared?.catch(() => undefined)
    return child?.connected && child.exitCode === null && child.signalCode === null ? child : launch()
  }

  /** Starts the next process ahead of its need. */
  const prepare = (): void => {
    if (signal.aborted || warm) return
    warm = launch()
    warm.catch(() => undefined) // Tried again when it is needed, and told then.
  }

  const execute = async (assignment: Assignment, { call, log, signal: stop }: Services): Promise<Result | Lost> => {
    const child = await take().catch((cause: unknown) => {
      throw new Error(`No process can be started for ${assignment.node}: ${reasonOf(cause)}`, { cause })
    })
    const leader = child.pid as number
    const tell = (message: ToRunner) => child.connected && child.send(message, () => undefined)
    const over = new AbortController()
    const wanted = AbortSignal.any([stop, over.signal])
    let result: Result | undefined
    let lastWords = ''
    const hear = (level: LogLevel, stream: Readable | null) => {
      const lines = byLine((line) => log(level, line))
      stream?.setEncoding('utf8').on('data', (text: string) => {
        lastWords = (lastWords + text).slice(-2000)
        lines.add(text)
      })
      return { stream, lines }
    }
    const outputs = [hear('info', child.stdout), hear('warn', child.stderr)]
    child.on('message', (message: FromRunner) => {
      if (message.kind === 'log') log(message.level, message.message, message.more)
      else if (message.kind === 'ended') {
        result = message.result
        child.disconnect()
      } else if (message.kind === 'call')
        call(message.node, message.verb, message.args, wanted).then(
          (value) => tell({ kind: 'reply', call: message.call, value }),
          (cause) =>
            tell({
              kind: 'reply',
              call: message.call,
              fault: { code: (cause as { code?: string }).code ?? 'broken', message: reasonOf(cause) },
            }),
        )
    })
    const { promise: exited, resolve } = Promise.withResolvers<{ code: number | null; killedBy: string | null }>()
    // Not 'close': it does not come once the channel has been disconnected from here.
    child.once('exit', (code, killedBy) => resolve({ code, killedBy }))
    let timer: NodeJS.Timeout | undefined
    const abort = () => {
      tell({ kind: 'abort' })
      timer = setTimeout(() => void endGroup(leader), grace)
    }
    stop.addEventListener('abort', abort, { once: true })
    if (stop.aborted) abort()
    tell(assignment)
    const { code, killedBy } = await exited
    over.abort(new Error(`The process of ${assignment.node} has ended`))
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
    await endGroup(leader)
    // Somebody who left the group may hold the output open for as long as he likes.
    const heard = Promise.allSettled(outputs.map(({ stream }) => stream && finished(stream)))
    await Promise.race([heard, delay(outputFor, undefined, { ref: false })])
    for (const { stream, lines } of outputs) {
      stream?.destroy()
      lines.end()
    }
    prepare()
    if (result) return result
    const words = lastWords && `: ${lastWords.trim()}`
    if (killedBy && !stop.aborted)
      return { outcome: 'lost', reason: `The process of ${assignment.node} was killed by ${killedBy}${words}` }
    return { outcome: 'errored', reason: `The process of ${assignment.node} exited with code ${code}${words}` }
  }

  signal.addEventListener('abort', () => {
    warm?.then(
      ({ pid }) => pid && signalGroup(pid, 'SIGKILL'),
      () => undefined,
    )
  })
  prepare()
  return { execute }
}
