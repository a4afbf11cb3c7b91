import type { Bus, Work } from '#bus/bus'
import { type Asked, ask, uuidv7 } from '#bus/command'
import { reasonOf } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { durably, type Outbox } from '#bus/outbox'
import { readEvent } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import { splitPart } from '#contracts/names'
import type { Local } from '../local.ts'
import type { Lost, Result } from './messages.ts'
import { patiently } from './patience.ts'

/** How often a worker says that it is still at work, in milliseconds; well within the lease. */
const beatEvery = 5_000

/** How often work may be delivered before the agent gives up on it; and how often its process may be killed before that is its result. */
const maxDeliveries = 10
const maxKills = 3

/** One execution of one node. */
export type Execution = {
  readonly part: string
  readonly attempt: number
  readonly delivery: number
  readonly instance: string
}

/** The event that asks for a node to be executed, as the worker reads it. */
export type Scheduled = Recorded<'run.node-scheduled', { readonly part: string; readonly attempt: number }>

type Worker = {
  readonly bus: Bus
  readonly local: Local
  readonly outbox: Outbox
  readonly host: string
  readonly instance: string
  /** Does the work; its effects carry the execution. */
  readonly execute: (event: Scheduled, execution: Execution, signal: AbortSignal) => Promise<Result | Lost>
  readonly say: (message: string) => void
  readonly signal: AbortSignal
}

/**
 * Takes the work of one node: start, beat, report. The result is written down before it is reported, so that hours of
 * work outlive an owner that is down at the end.
 */
export const work = (worker: Worker, part: string): Promise<void> => {
  const { pipeline, node } = splitPart(part)
  return worker.bus.take(pipeline, node, (piece) => handle(worker, piece), { concurrency: 1, signal: worker.signal })
}

const handle = async (worker: Worker, piece: Work): Promise<void> => {
  const reading = readEvent(piece.event)
  if (!reading.kept) return giveUp(worker, piece, reading.reason)
  const event = reading.event as Scheduled
  const { local, say, signal } = worker
  const hold = local.prepare('insert or replace into held (event, receipt) values (?, ?)')
  const forget = local.transaction((id: string) => {
    local.prepare('delete from held where event = ?').run(id)
    local.prepare('delete from results where event = ?').run(id)
  })
  hold.run(event.id, piece.receipt)
  const keepLease = setInterval(piece.working, beatEvery)
  try {
    await carryOut(worker, piece, event)
    await piece.done()
    forget(event.id)
  } catch (cause) {
    // Stopping: another process, or this host's next one, is given it at once. Else: something broke that may pass.
    if (!signal.aborted) say(`${event.data.part}: ${reasonOf(cause)}; trying again`)
    piece.postpone(signal.aborted ? 0 : 1_000)
  } finally {
    clearInterval(keepLease)
  }
}

const carryOut = async (worker: Worker, piece: Work, event: Scheduled): Promise<void> => {
  const { local, outbox, host, instance, signal } = worker
  const { part, attempt } = event.data
  const known = local
    .prepare<[string], { execution: string; result: string }>('select execution, result from results where event = ?')
    .get(event.id)
  if (known) {
    await outbox.flushed()
    await tell(
      worker,
      event,
      'run.report-node',
      { ...JSON.parse(known.execution), result: JSON.parse(known.result) },
      signal,
    )
    return
  }
  const execution = { part, attempt, delivery: piece.delivery, instance }
  const started = await tell(worker, event, 'run.start-node', { ...execution, host }, signal)
  if (!started.accepted) return
  const ending =
    piece.delivery > maxDeliveries
      ? ({ outcome: 'errored', reason: `Delivered ${piece.delivery} times without a result` } as const)
      : await withBeats(worker, event, execution)
  if (ending === undefined) return // Superseded: whoever holds it now reports.
  if (ending.outcome === 'lost' && piece.delivery < maxKills) throw new Error(ending.reason)
  const result: Result = ending.outcome === 'lost' ? { outcome: 'errored', reason: ending.reason } : ending
  if (signal.aborted && result.outcome === 'errored') throw signal.reason
  const keep = local.prepare('insert or replace into results (event, execution, result) values (?, ?, ?)')
  durably(local, () => keep.run(event.id, JSON.stringify(execution), JSON.stringify(result)))
  await outbox.flushed()
  await tell(worker, event, 'run.report-node', { ...execution, result }, signal)
  if (piece.delivery > maxDeliveries) await bury(worker, piece, `Delivered ${piece.delivery} times without a result`)
}

/** Executes while beating; undefined where a beat was refused. Nobody answering is no refusal. */
const withBeats = async (
  worker: Worker,
  event: Scheduled,
  execution: Execution,
): Promise<Result | Lost | undefined> => {
  const refused = new AbortController()
  const beat = async () => {
    const answer = await ask(worker.bus, askedOf(event, 'run.beat-node', execution, uuidv7()), {
      timeout: beatEvery,
    }).catch(() => undefined)
    if (answer && !answer.accepted) refused.abort(new Error(answer.detail))
  }
  const beats = setInterval(() => void beat(), beatEvery)
  try {
    const result = await worker.execute(event, execution, AbortSignal.any([worker.signal, refused.signal]))
    return refused.signal.aborted ? undefined : result
  } finally {
    clearInterval(beats)
  }
}

/** Asks the run's owner until it answers, with one id: asked twice, it gives its first answer. */
const tell = (worker: Worker, event: Scheduled, type: string, data: object, signal: AbortSignal): Promise<Answer> => {
  const id = uuidv7()
  return patiently(
    () => ask(worker.bus, askedOf(event, type, data, id)),
    signal,
    (reason) =>
      worker.say(
        `${event.data.part} waits for the owner of run ${event.address.scope}/${event.address.key}: ${reason}`,
      ),
  )
}

const askedOf = (event: Scheduled, type: string, data: object, id: string): Asked => ({
  address: event.address,
  type,
  data,
  id,
  causedBy: event,
})

const giveUp = async (worker: Worker, piece: Work, reason: string): Promise<void> => {
  await bury(worker, piece, reason)
  await piece.done()
}

const bury = ({ bus }: Worker, { event, delivery }: Work, reason: string): Promise<void> => {
  const { scope } = event.address
  return bus.bury({
    where: scope,
    agent: splitPart((event.data as { part?: string }).part ?? '').node || 'unknown',
    eventId: event.id,
    stream: 'EVENTS',
    sequence: event.sequence,
    attempts: delivery,
    reason,
  })
}

/** Gives back what an earlier process of this host held when it died: it is dead for certain, the name is locked. */
export const releaseHeld = (bus: Bus, local: Local): void => {
  for (const { receipt } of local.prepare<[], { receipt: string }>('select receipt from held').all())
    bus.release(receipt)
  local.exec('delete from held')
}
