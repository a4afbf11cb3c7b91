import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { reasonOf } from '#bus/fault'
import type { Assignment, FromRunner, LogLevel, Lost, Result, ToRunner } from './messages.ts'

/** How long a function may take to notice that it is to stop, in milliseconds. */
const grace = 5_000

/** What the host does for a function that runs. */
export type Services = {
  readonly call: (node: string, verb: string, args: unknown) => Promise<unknown>
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  readonly signal: AbortSignal
}

const entry = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './runner.ts' : './runner.js', import.meta.url))

/** Processes for a user's functions: each runs one execution; one is kept warm, so that the next begins at once. */
export const openRunners = (
  { configPath, base, pipeline }: { readonly configPath: string; readonly base: string; readonly pipeline: string },
  signal: AbortSignal,
) => {
  let warm: ChildProcess | undefined

  const launch = (): ChildProcess =>
    fork(entry, [configPath, base, pipeline], { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })

  const take = (): ChildProcess => {
    const child = warm?.connected ? warm : launch()
    warm = undefined
    return child
  }

  /** Starts the next process ahead of its need. */
  const prepare = (): void => {
    if (!signal.aborted && !warm?.connected) warm = launch()
  }

  const execute = async (assignment: Assignment, { call, log, signal: stop }: Services): Promise<Result | Lost> => {
    const child = take()
    const tell = (message: ToRunner) => child.connected && child.send(message, () => undefined)
    let result: Result | undefined
    let lastWords = ''
    const hear = (level: LogLevel) => (text: string) => {
      lastWords = (lastWords + text).slice(-2000)
      for (const line of text.split('\n')) if (line.trim()) log(level, line)
    }
    child.stdout?.setEncoding('utf8').on('data', hear('info'))
    child.stderr?.setEncoding('utf8').on('data', hear('warn'))
    child.on('message', (message: FromRunner) => {
      if (message.kind === 'log') log(message.level, message.message, message.more)
      else if (message.kind === 'ended') {
        result = message.result
        child.disconnect()
      } else if (message.kind === 'call')
        call(message.node, message.verb, message.args).then(
          (value) => tell({ kind: 'reply', call: message.call, value }),
          (cause) =>
            tell({
              kind: 'reply',
              call: message.call,
              fault: { code: (cause as { code?: string }).code ?? 'broken', message: reasonOf(cause) },
            }),
        )
    })
    const kill = () => child.kill('SIGKILL')
    let timer: NodeJS.Timeout | undefined
    const abort = () => {
      tell({ kind: 'abort' })
      timer = setTimeout(kill, grace)
    }
    stop.addEventListener('abort', abort, { once: true })
    if (stop.aborted) abort()
    tell(assignment)
    // Not 'close': it does not come once the channel has been disconnected from here.
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null]
    await Promise.allSettled([child.stdout, child.stderr].flatMap((stream) => (stream ? [finished(stream)] : [])))
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
    prepare()
    if (result) return result
    const words = lastWords && `: ${lastWords.trim()}`
    if (killedBy && !stop.aborted)
      return { outcome: 'lost', reason: `The process of ${assignment.node} was killed by ${killedBy}${words}` }
    return { outcome: 'errored', reason: `The process of ${assignment.node} exited with code ${code}${words}` }
  }

  signal.addEventListener('abort', () => warm?.kill('SIGKILL'))
  prepare()
  return { execute }
}

export type Runners = ReturnType<typeof openRunners>
