import { orAborted } from '#bus/abort'
import type { Bus, Work } from '#bus/bus'
import { reasonOf } from '#bus/fault'
import type { Agent } from './result.ts'

type Burier = { readonly bus: Pick<Bus, 'bury'>; readonly signal: AbortSignal }

/** Keeps a piece of work as one that nobody can do, and ends it. */
export const giveUp = async (worker: Burier, agent: Agent, piece: Work, reason: string): Promise<void> => {
  await bury(worker, agent, piece, reason)
  await piece.done()
}

/**
 * Has everything removed that is left of work that is not to be done any longer. Rejects where that fails, so that it is tried again
 * when the work is delivered again; the last time it is kept among what nobody can do, with what could not be removed and why.
 */
export const dropOrBury = async <T>(
  worker: Burier & { readonly drop: (task: T) => Promise<void>; readonly say: (message: string) => void },
  agent: Agent,
  piece: Work,
  task: T,
  most: number,
): Promise<void> => {
  try {
    await worker.drop(task)
  } catch (cause) {
    if (worker.signal.aborted || piece.delivery < most) throw cause
    const reason = `What is left of it could not be removed in ${piece.delivery} tries: ${reasonOf(cause)}`
    worker.say(`${agent.where}/${agent.agent}: ${reason}. See: millrace dead`)
    await bury(worker, agent, piece, reason)
  }
}

/** Keeps what an agent gave up on, with the reason. */
export const bury = (
  { bus, signal }: Burier,
  agent: Agent,
  { event, delivery }: Work,
  reason: string,
): Promise<void> => {
  const buried = bus.bury({
    ...agent,
    eventId: event.id,
    stream: 'EVENTS',
    sequence: event.sequence,
    attempts: delivery,
    reason,
  })
  return orAborted(buried, signal)
}
