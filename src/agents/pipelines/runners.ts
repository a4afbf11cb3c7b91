import { randomUUID } from 'node:crypto'
import { reasonOf } from '#bus/fault'
import { endGroup } from '../group.ts'
import type { LogLevel, Lost } from '../result.ts'
import type { Assignment, FromRunner, Phase, Result, ToRunner } from './messages.ts'
import { openProcesses } from './processes.ts'

/** How long a function may take to notice that it is to stop, in milliseconds. */
const grace = 5_000

/** What the host does for a function that runs. */
export type Services = {
  /** `signal` aborts when nobody waits for the answer any longer. */
  readonly call: (node: string, verb: string, args: unknown, signal: AbortSignal) => Promise<unknown>
  readonly log: (level: LogLevel, message: string, more?: Readonly<Record<string, unknown>>) => void
  /** Told when the action comes to another of its steps. */
  readonly turned: (phase: Phase) => void
  readonly signal: AbortSignal
}

/**
 * Executes a user's functions in processes beside this one. A process executes one function at a time; it is used again where
 * the function came to its end by itself and left nothing behind, and ends with all that it started where it did not.
 */
export const openRunners = (
  given: { readonly configPath: string; readonly base: string; readonly pipeline: string },
  signal: AbortSignal,
) => {
  const processes = openProcesses(given, signal)

  const execute = async (
    assignment: Omit<Assignment, 'mark'>,
    { call, log, turned, signal: stop }: Services,
  ): Promise<Result | Lost> => {
    const runner = await processes.take().catch((cause: unknown) => {
      throw new Error(`No process can be started for ${assignment.node}: ${reasonOf(cause)}`, { cause })
    })
    const { child, leader } = runner
    if (stop.aborted) {
      processes.giveBack(runner)
      return { outcome: 'errored', reason: reasonOf(stop.reason) } // Nothing of it has begun.
    }
    const mark = randomUUID()
    const tell = (message: ToRunner) => child.connected && child.send(message, () => undefined)
    const over = new AbortController()
    const wanted = AbortSignal.any([stop, over.signal])
    const { promise: spared, resolve: spare } = Promise.withResolvers<'spared'>()
    let result: Result | undefined
    const reply = (asked: number, doing: Promise<unknown>): void => {
      doing.then(
        (value) => tell({ kind: 'reply', call: asked, value }),
        (cause) => {
          const code = (cause as { code?: string }).code ?? 'broken'
          tell({ kind: 'reply', call: asked, fault: { code, message: reasonOf(cause) } })
        },
      )
    }
    const hear = (message: FromRunner): void => {
      if (message.kind === 'log') log(message.level, message.message, message.more)
      else if (message.kind === 'turned') turned(message.phase)
      else if (message.kind === 'call') reply(message.call, call(message.node, message.verb, message.args, wanted))
      else if (message.kind === 'ended') {
        result = message.result
        if (message.again && !stop.aborted) spare('spared')
        else child.disconnect()
      }
    }
    child.on('message', hear)
    runner.listen(log)
    const marked = runner.marked(mark)
    let timer: NodeJS.Timeout | undefined
    const abort = () => {
      tell({ kind: 'abort' })
      timer = setTimeout(() => void endGroup(leader), grace)
    }
    stop.addEventListener('abort', abort, { once: true })
    if (stop.aborted) abort()
    tell({ ...assignment, mark })
    const how = await Promise.race([spared.then(() => marked).then(() => 'spared' as const), runner.exited])
    over.abort(new Error(`The execution of ${assignment.node} has ended`))
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
    child.off('message', hear)
    if (how === 'spared' && result) {
      processes.giveBack(runner)
      return result
    }
    const { code, killedBy } = await runner.exited
    await endGroup(leader)
    await runner.heard()
    processes.prepare()
    if (result) return result
    if (stop.aborted) return { outcome: 'errored', reason: `It did not stop within ${grace / 1000} s, and was killed` }
    const words = runner.lastWords().trim()
    const said = words && `: ${words}`
    if (killedBy)
      return { outcome: 'lost', reason: `The process of ${assignment.node} was killed by ${killedBy}${said}` }
    return { outcome: 'errored', reason: `The process of ${assignment.node} exited with code ${code}${said}` }
  }

  return { execute }
}
