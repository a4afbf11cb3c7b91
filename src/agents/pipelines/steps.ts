import { reasonOf } from '#bus/fault'
import type { Phase, Result } from './messages.ts'
import type { Action, Context, Exec } from './shape.ts'

type Around = {
  readonly context: Context
  /** Runs a program; resolves as a function does. */
  readonly program: (exec: Exec) => Promise<unknown>
  /** Resolves once nothing is being recorded any more that a step began. */
  readonly allDone: () => Promise<void>
  readonly turn: (phase: Phase) => void
  readonly threw: (cause: unknown) => void
}

/**
 * Takes the steps of an action: `before`, then what it does, then `onSuccess`, `onFailure` or `onError`, and `after` whatever
 * has happened. A step that throws is an error of the action, and stops nothing but itself.
 */
export const takeSteps = async ({ exec, steps }: Action, around: Around): Promise<Result> => {
  const { context, program, allDone, turn, threw } = around
  const errored = (cause: unknown, during?: string): Result => {
    threw(cause)
    const reason = reasonOf(cause) || 'It threw without saying why'
    return { outcome: 'errored', reason: during ? `${during} threw: ${reason}` : reason }
  }

  const execute = async (): Promise<Result> => {
    const said = await (exec ? program(exec) : steps.execute?.(context))
    await allDone()
    if (said === false) return { outcome: 'failed', reason: 'It returned false' }
    if (isFailure(said)) return { outcome: 'failed', reason: said.failed }
    return typeof said === 'string' ? { outcome: 'succeeded', message: said } : { outcome: 'succeeded' }
  }

  /** What broke in a step afterwards is said behind what had happened before. */
  const then = async (result: Result, name: string, step: (() => unknown) | undefined): Promise<Result> => {
    if (!step) return result
    try {
      await step()
      await allDone()
      return result
    } catch (cause) {
      const broken = errored(cause, name)
      if (result.outcome === 'succeeded' || broken.outcome === 'succeeded') return broken
      return { outcome: result.outcome, reason: `${result.reason}; ${broken.reason}` }
    }
  }

  let result: Result
  let cause: unknown
  try {
    if (steps.before) {
      turn('preparing')
      await steps.before(context)
      await allDone()
      turn('running')
    }
    result = await execute()
  } catch (thrown) {
    cause = thrown
    result = errored(thrown)
    await allDone() // What it had begun to record before it threw is recorded all the same.
  }
  const { onSuccess, onFailure, onError, after } = steps
  if (onSuccess || onFailure || onError || after) turn('cleaning-up')
  if (result.outcome === 'succeeded') result = await then(result, 'onSuccess', onSuccess && (() => onSuccess(context)))
  else {
    const { reason } = result
    if (result.outcome === 'failed')
      result = await then(result, 'onFailure', onFailure && (() => onFailure(context, reason)))
    else result = await then(result, 'onError', onError && (() => onError(context, cause)))
  }
  return then(result, 'after', after && (() => after(context)))
}

const isFailure = (said: unknown): said is { readonly failed: string } =>
  typeof said === 'object' && said !== null && 'failed' in said && typeof said.failed === 'string'
