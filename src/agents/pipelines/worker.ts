import { orAborted } from '#bus/abort'
import { type Bus, lease, type Work } from '#bus/bus'
import { reasonOf } from '#bus/fault'
import type { Outbox } from '#bus/outbox'
import { readEvent } from '#contracts/all'
import { splitPart } from '#contracts/names'
import type { Local } from '../local.ts'
import { type Kept, openHoldings, takeLeftovers } from './holdings.ts'
import type { Lost, Result } from './messages.ts'
import type { Execution } from './run-state.ts'
import { type Scheduled, scheduledIn } from './scheduled.ts'
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

/** How much of what a function said about its end is recorded, in characters. */
const mostSaid = 10_000

export type Worker = {
  readonly bus: Bus
  readonly holdings: ReturnType<typeof openHoldings<Execution, Result>>
  readonly outbox: Outbox
  readonly host: string
  readonly instance: string
  /** Does the work; its effects carry the execution. */
  readonly execute: (event: Scheduled, execution: Execution, signal: AbortSignal) => Promise<Result | Lost>
  /** Waits for its turn among all that this host executes. */
  readonly inTurn?: Turn | undefined
  /** How long that may take until it is asked whether another host would do it at once, in milliseconds. */
  readonly patience?: number | undefined
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

type Given = Omit<Worker, 'holdings'> & {
  readonly local: Local
  /** How many executions of the node there may be at once, over all hosts. */
  readonly concurrency?: number
}

/**
 * Takes the work of one node: start, beat, report. The result is written down before it is reported, so that hours of
 * work outlive an owner that is down at the end.
 */
export const work = ({ local, concurrency = 1, ...more }: Given, part: string): Promise<void> => {
  const worker = { ...more, holdings: openHoldings<Execution, Result>(local, part) }
  const { pipeline, node } = splitPart(part)
  // A lease that ran out while this process stood still is no reason to execute something beside itself.
  const oneAtATime = inTurn()
  const take = (piece: Work) => oneAtATime(piece.event.id, () => handle(worker, part, piece))
  return worker.bus.take(pipeline, node, take, { concurrency, signal: worker.signal })
}

const handle = async (worker: Worker, part: string, piece: Work): Promise<void> => {
  const reading = readEvent(piece.event)
  if (!reading.kept) return giveUp(worker, part, piece, reading.reason)
  const event = scheduledIn(reading.event, part)
  if (!event) return giveUp(worker, part, piece, `${piece.event.type} does not ask for ${part} to be executed`)
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
      return carryOut(worker, piece, event, holdings.begin(piece))
    }
    // What has a result already is only to be reported.
    const end = await (holdings.resultOf(piece) ? begin() : inTurnUnlessWanted(inTurn, piece, begin, worker.patience))
    // The server would take the word of an old delivery as well, and nobody would be given the work again.
    if (end === 'superseded') {
      say(`${event.data.part}: another process executes it`)
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
      say(`${event.data.part}: ${reasonOf(cause)}; trying again`)
      holdings.letGo(piece)
    }
    piece.postpone(signal.aborted ? 0 : 1_000)
  } finally {
    isOver = true
    clearInterval(keepLease)
  }
}

/** Executes the work and has its result recorded; `superseded` where it is, or was meanwhile, in other hands. */
const carryOut = async (
  worker: Worker,
  piece: Work,
  event: Scheduled,
  begun: number,
): Promise<'settled' | 'superseded'> => {
  const { holdings, host, instance, signal } = worker
  const known = holdings.resultOf(piece)
  if (known && (await report(worker, event, known)) === 'settled') return 'settled'
  const { part, attempt } = event.data
  const execution = { part, attempt, delivery: piece.delivery, instance }
  const began = performance.now()
  const started = await tell(worker, event, 'run.start-node', { ...execution, host }, signal)
  if (started.accepted && started.events.includes('run.node-cancelled')) return 'settled'
  if (!started.accepted) {
    if (started.refusal === 'superseded') return 'superseded'
    worker.say(`${part} is not executed: ${started.detail}`)
    return 'settled'
  }
  if (known) return keepAndReport(worker, piece, event, { execution, result: known.result }) // Who held it since is gone.
  const isGivenUp = begun > maxBegun || piece.delivery > maxDeliveries
  const reason = `Delivered ${piece.delivery} times without a result`
  const ending = isGivenUp ? ({ outcome: 'errored', reason } as const) : await withBeats(worker, event, execution)
  if (ending === 'superseded') return 'superseded'
  if (ending === 'ended') return 'settled'
  if (ending.outcome === 'lost' && holdings.wasLost(piece) < maxKills) throw new Error(ending.reason)
  const result = toldShortly(ending)
  // What broke, or said no, when it was told to stop is executed again.
  if (signal.aborted && result.outcome !== 'succeeded') throw signal.reason
  if (isGivenUp) await bury(worker, part, piece, reason)
  return keepAndReport(worker, piece, event, { execution, result }, performance.now() - began)
}

/** A result as a run records it: whatever a function had to say, there is an end to it. */
const toldShortly = (ending: Result | Lost): Result => {
  const short = (text: string) => (text.length > mostSaid ? `${text.slice(0, mostSaid)} …` : text)
  if (ending.outcome !== 'succeeded')
    return { outcome: ending.outcome === 'lost' ? 'errored' : ending.outcome, reason: short(ending.reason) }
  return ending.message === undefined ? ending : { ...ending, message: short(ending.message) }
}

const keepAndReport = (worker: Worker, piece: Work, event: Scheduled, kept: Kept<Execution, Result>, took?: number) => {
  worker.holdings.keepResult(piece, kept, took)
  return report(worker, event, kept)
}

/** Reports a result that was written down, once the facts before it are in the log. */
const report = async (
  worker: Worker,
  event: Scheduled,
  { execution, result }: Kept<Execution, Result>,
): Promise<'settled' | 'superseded'> => {
  await worker.outbox.flushed(worker.signal)
  const answer = await tell(worker, event, 'run.report-node', { ...execution, result }, worker.signal)
  const ignored = answer.accepted ? answer.events.includes('run.report-ignored') : answer.refusal === 'superseded'
  return ignored ? 'superseded' : 'settled'
}

const giveUp = async (worker: Worker, part: string, piece: Work, reason: string): Promise<void> => {
  await bury(worker, part, piece, reason)
  await piece.done()
}

const bury = ({ bus, signal }: Worker, part: string, { event, delivery }: Work, reason: string): Promise<void> => {
  const { pipeline: where, node: agent } = splitPart(part)
  const buried = bus.bury({
    where,
    agent,
    eventId: event.id,
    stream: 'EVENTS',
    sequence: event.sequence,
    attempts: delivery,
    reason,
  })
  return orAborted(buried, signal)
}

/** Gives back what an earlier process of this host held when it died: it is dead for certain, the name is locked. */
export const releaseHeld = (bus: Bus, local: Local): void => {
  for (const receipt of takeLeftovers(local, lease)) bus.release(receipt)
}
