import type { Bus } from '#bus/bus'
import { type Asked, askAnyway, uuidv7 } from '#bus/command'
import { reasonOf } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { patiently } from '#bus/patience'
import type { Execution, Lost, Result, Task, Wording } from './result.ts'

/** How often a worker says that it is still at work, in milliseconds; well within the lease. */
export const beatEvery = 2_000

type Teller<T extends Task, E extends Execution> = {
  readonly bus: Pick<Bus, 'request' | 'principal'>
  readonly wording: Wording<T, E>
  readonly say: (message: string) => void
}

/** Why an execution's result is nobody's business any longer: it is in other hands, or things went on without it. */
type Unwanted = 'superseded' | 'ended'

/**
 * Executes while beating, for as long as the node may take. Nobody answering is no refusal; a run that is cancelled is told that
 * the execution has stopped.
 */
export const withBeats = async <T extends Task, E extends Execution, R extends Result>(
  worker: Teller<T, E> & {
    readonly execute: (task: T, execution: E, signal: AbortSignal) => Promise<R | Lost>
    readonly signal: AbortSignal
  },
  task: T,
  execution: E,
): Promise<R | Lost | { readonly outcome: 'errored' | 'cancelled'; readonly reason: string } | Unwanted> => {
  const refused = new AbortController()
  let refusal = ''
  const beat = async () => {
    const answer = await askAnyway(worker.bus, askedOf(task, worker.wording.commands.beat, execution, uuidv7()), {
      timeout: beatEvery,
    }).catch(() => undefined)
    if (!answer || answer.accepted || refused.signal.aborted) return
    refusal = answer.refusal
    refused.abort(new Error(answer.detail))
  }
  const beats = setInterval(() => void beat(), beatEvery)
  const { timeout } = task.data
  const late = lateness(timeout)
  try {
    const result = await worker.execute(task, execution, AbortSignal.any([worker.signal, refused.signal, late.signal]))
    if (late.signal.aborted && refusal === '') {
      // Whatever it came to has broken; what it has left is told with it.
      const left = result.outcome === 'succeeded' ? {} : result
      return { ...left, outcome: 'errored' as const, reason: reasonOf(late.signal.reason) }
    }
    if (refusal === 'cancelled') return asCancelled(result)
    if (refusal === '') return result
    return refusal === 'superseded' ? refusal : 'ended'
  } finally {
    clearInterval(beats)
    late.clear()
  }
}

/** A timer of Node waits no longer than this, in milliseconds. */
const longestWait = 2 ** 31 - 1

/**
 * Aborts once an execution has taken longer than it may. Counted where it is executed: what a host that was killed did not have
 * time for is not held against the node.
 */
const lateness = (timeout: number | undefined) => {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const wait = (left: number): void => {
    const now = Math.min(left, longestWait)
    timer = setTimeout(() => (left > now ? wait(left - now) : late.abort(new Error(tooLong(timeout)))), now)
  }
  if (timeout !== undefined) wait(timeout)
  return { signal: late.signal, clear: () => clearTimeout(timer) }
}

/** Why an execution has broken that took longer than its node's timeout. */
export const tooLong = (timeout = 0): string => `It took longer than its timeout of ${timeout / 1000} s`

/** What was told to stop and came to no other end has been cancelled. */
const asCancelled = <R extends Result>(result: R | Lost) =>
  result.outcome === 'succeeded' ? result : { ...result, outcome: 'cancelled' as const }

/** Asks the owner of what a task belongs to until it answers, with one id: asked twice, it gives its first answer. */
export const tell = <T extends Task, E extends Execution>(
  worker: Teller<T, E>,
  task: T,
  type: string,
  data: object,
  signal: AbortSignal,
): Promise<Answer> => {
  const id = uuidv7()
  const { aggregate, scope, key } = task.address
  return patiently(
    () => askAnyway(worker.bus, askedOf(task, type, data, id)),
    signal,
    (reason) =>
      worker.say(`${worker.wording.nameOf(task)} waits for the owner of ${aggregate} ${scope}/${key}: ${reason}`),
  )
}

const askedOf = (task: Task, type: string, data: object, id: string): Asked => ({
  address: task.address,
  type,
  data,
  id,
  causedBy: task,
})
