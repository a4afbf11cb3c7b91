import { type Bus, lease, type Work } from '#bus/bus'
import { Fault, reasonOf } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { readEvent } from '#contracts/all'
import { pauseAfter } from './back-off.ts'
import { bury, dropOrBury, giveUp } from './burying.ts'
import { type Kept, openHoldings, takeLeftovers } from './holdings.ts'
import type { Local } from './local.ts'
import type { Agent, Execution, Lost, Result, Task, Wording } from './result.ts'
import { tell, withBeats } from './tell.ts'
import { inTurn } from './turns.ts'
import { inTurnUnlessWanted, type Turn } from './waiting-turn.ts'

/**
 * How often work may begin on one host, and not be given back, before the agent gives up on it; how often it may be
 * delivered in all, for a host may lose its count with its disk; and how often the process of its function may be killed
 * before that is its result.
 */
const maxBegun = 10
const maxDeliveries = 100
const maxKills = 3

/** How often the lease of work is renewed, in milliseconds; well within it. */
const renewEvery = 5_000

/** How much of what an execution said about its end is recorded, in characters. */
const mostSaid = 10_000

export type Worker<T extends Task, E extends Execution, R extends Result> = {
  readonly bus: Bus
  readonly wording: Wording<T, E>
  readonly holdings: ReturnType<typeof openHoldings<E, R | Told>>
  readonly outbox: Outbox
  readonly host: string
  readonly instance: string
  /** Does the work; its effects carry the execution. */
  readonly execute: (task: T, execution: E, signal: AbortSignal) => Promise<R | Lost>
  /** Told of what is not to be done any longer, so that nothing of it is left behind that an earlier execution began; see `dropOrBury`. */
  readonly drop?: ((task: T) => Promise<void>) | undefined
  /** Waits for its turn among all that this host executes. */
  readonly inTurn?: Turn | undefined
  /** How long that may take until it is asked whether another host would do it at once, in milliseconds. */
  readonly patience?: number | undefined
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

/** An end that is said here, of what did not come to one of its own. */
type Told = { readonly outcome: 'errored' | 'cancelled'; readonly reason: string }

export type Given<T extends Task, E extends Execution, R extends Result> = Omit<Worker<T, E, R>, 'holdings'> & {
  readonly local: Local
  /** How many executions of the agent's work there may be at once, over all hosts. */
  readonly concurrency?: number
}

/**
 * Takes the work of one agent: start, beat, report. The result is written down before it is reported, so that hours of
 * work outlive an owner that is down at the end.
 */
export const work = <T extends Task, E extends Execution, R extends Result>(
  { local, concurrency = 1, ...more }: Given<T, E, R>,
  agent: Agent,
): Promise<void> => {
  const worker: Worker<T, E, R> = { ...more, holdings: openHoldings<E, R | Told>(local, agent) }
  // A lease that ran out while this process stood still is no reason to execute something beside itself.
  const oneAtATime = inTurn()
  const take = (piece: Work) => oneAtATime(piece.event.id, () => handle(worker, agent, piece))
  return worker.bus.take(agent.where, agent.agent, take, { concurrency, signal: worker.signal })
}

const handle = async <T extends Task, E extends Execution, R extends Result>(
  worker: Worker<T, E, R>,
  agent: Agent,
  piece: Work,
): Promise<void> => {
  const reading = readEvent(piece.event)
  if (!reading.kept) return giveUp(worker, agent, piece, reading.reason)
  const task = worker.wording.taskIn(reading.event, agent)
  if (!task) return giveUp(worker, agent, piece, `${piece.event.type} asks nothing of ${agent.where}/${agent.agent}`)
  const name = worker.wording.nameOf(task)
  const { holdings, say, signal } = worker
  let isOver = false
  let hasBegun = false
  const renew = async () => {
    const since = Date.now()
    await piece.working()
    // Noted only once the server knows: the receipt must not seem younger than the lease.
    if (!isOver) holdings.hold(piece, since)
  }
  // Where it can't be renewed it runs out, and whoever is given the work then supersedes this execution.
  const keepLease = setInterval(() => void renew().catch(() => undefined), renewEvery)
  try {
    holdings.hold(piece, Date.now())
    const { inTurn = (task) => task() } = worker
    const begin = async () => {
      signal.throwIfAborted()
      hasBegun = true
      return carryOut(worker, agent, piece, task, holdings.begin(piece))
    }
    // What has a result already is only to be reported.
    const end = await (holdings.resultOf(piece) ? begin() : inTurnUnlessWanted(inTurn, piece, begin, worker.patience))
    // The server would take the word of an old delivery as well, and nobody would be given the work again.
    if (end === 'superseded') {
      say(`${name}: another process executes it`)
      holdings.letGo(piece)
    } else if (end === 'wanted') {
      holdings.letGo(piece)
      piece.postpone(0)
    } else {
      await piece.done()
      holdings.forget(piece)
    }
  } catch (cause) {
    // Stopping: another process, or this host's next one, is given it at once. Else: something broke that may pass.
    if (signal.aborted) hasBegun ? holdings.giveBack(piece) : holdings.letGo(piece)
    else {
      say(`${name}: ${reasonOf(cause)}; trying again`)
      holdings.letGo(piece)
    }
    piece.postpone(signal.aborted ? 0 : pauseAfter(piece.delivery))
  } finally {
    isOver = true
    clearInterval(keepLease)
  }
}

/** Executes the work and has its result recorded; `superseded` where it is, or was meanwhile, in other hands. */
const carryOut = async <T extends Task, E extends Execution, R extends Result>(
  worker: Worker<T, E, R>,
  agent: Agent,
  piece: Work,
  task: T,
  begun: number,
): Promise<'settled' | 'superseded'> => {
  const { holdings, wording, host, instance, signal } = worker
  const known = holdings.resultOf(piece)
  if (known && (await report(worker, task, known)) === 'settled') return 'settled'
  const execution = wording.executionOf(task, { delivery: piece.delivery, instance })
  const began = performance.now()
  const started = await tell(worker, task, wording.commands.start, { ...execution, host }, signal)
  if (!started.accepted && started.refusal === 'superseded') return 'superseded'
  // Who takes it may be said otherwise any moment: until then it waits for them, instead of being lost.
  if (!started.accepted && started.refusal === 'not-allowed') throw new Fault('work.not-allowed', started.detail)
  if (!started.accepted || (wording.stopped && started.events.includes(wording.stopped))) {
    if (!started.accepted) worker.say(`${wording.nameOf(task)} is not executed: ${started.detail}`)
    if (worker.drop) await dropOrBury({ ...worker, drop: worker.drop }, agent, piece, task, maxDeliveries)
    return 'settled'
  }
  if (known) return keepAndReport(worker, piece, task, { execution, result: known.result }) // Who held it since is gone.
  const isGivenUp = begun > maxBegun || piece.delivery > maxDeliveries
  const reason = `Delivered ${piece.delivery} times without a result`
  const ending = isGivenUp ? ({ outcome: 'errored', reason } as const) : await withBeats(worker, task, execution)
  if (ending === 'superseded') return 'superseded'
  if (ending === 'ended') return 'settled'
  if (ending.outcome === 'lost' && holdings.wasLost(piece) < maxKills) throw new Error(ending.reason)
  const result = toldShortly<R>(ending)
  // What broke, or said no, when it was told to stop is executed again.
  if (signal.aborted && result.outcome !== 'succeeded') throw signal.reason
  if (isGivenUp) await bury(worker, agent, piece, reason)
  return keepAndReport(worker, piece, task, { execution, result }, performance.now() - began)
}

/** A result as it is recorded: whatever an execution had to say, there is an end to it. */
const toldShortly = <R extends Result>(ending: R | Told | Lost): R | Told => {
  const short = (text: string) => (text.length > mostSaid ? `${text.slice(0, mostSaid)} …` : text)
  if (ending.outcome === 'lost') return { outcome: 'errored', reason: short(ending.reason) }
  const words = ['reason', 'message'].flatMap((word) => {
    const said: unknown = ending[word as keyof typeof ending]
    return typeof said === 'string' ? [[word, short(said)]] : []
  })
  return { ...ending, ...Object.fromEntries(words) } as R | Told
}

const keepAndReport = <T extends Task, E extends Execution, R extends Result>(
  worker: Worker<T, E, R>,
  piece: Work,
  task: T,
  kept: Kept<E, R | Told>,
  took?: number,
) => {
  worker.holdings.keepResult(piece, kept, took)
  return report(worker, task, kept)
}

/** Reports a result that was written down, once the facts before it are in the log. */
const report = async <T extends Task, E extends Execution, R extends Result>(
  worker: Worker<T, E, R>,
  task: T,
  { execution, result }: Kept<E, R | Told>,
): Promise<'settled' | 'superseded'> => {
  await worker.outbox.flushed(worker.signal)
  const { commands, ignored: ignoredType } = worker.wording
  const answer = await tell(worker, task, commands.report, { ...execution, result }, worker.signal)
  const ignored = answer.accepted ? answer.events.includes(ignoredType) : answer.refusal === 'superseded'
  return ignored ? 'superseded' : 'settled'
}

/** Gives back what an earlier process of this host held when it died: it is dead for certain, the name is locked. */
export const releaseHeld = (bus: Bus, local: Local): void => {
  for (const receipt of takeLeftovers(local, lease)) bus.release(receipt)
}
