import { orAborted } from '#bus/abort'
import type { Bus, Work } from '#bus/bus'
import type { Agent } from './result.ts'

type Burier = { readonly bus: Pick<Bus, 'bury'>; readonly signal: AbortSignal }

/** Keeps a piece of work as one that nobody can do, and ends it. */
export const giveUp = async (worker: Burier, agent: Agent, piece: Work, reason: string): Promise<void> => {
  await bury(worker, agent, piece, reason)
  await piece.done()
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
