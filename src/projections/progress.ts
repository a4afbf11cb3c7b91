import { type Fault, faults } from '#bus/fault'
import type { Recorded } from '#contracts/envelope'
import { logIdOf, position, sequenceOf } from '#contracts/names'
import type { Checkpoint } from './apply.ts'

/** How far a projection is, and whether it goes on. */
export type Progress = {
  /** The last position whose event has been applied. */
  readonly position: string
  readonly sequence: number
  /** How many messages are known to wait. */
  readonly pending: number
  /** Messages under `events.` that were no events. */
  readonly dropped: number
  readonly state: 'catching up' | 'following' | 'rebuilding' | 'halted'
  readonly halted?: { readonly position: string; readonly type: string; readonly reason: string } | undefined
}

/** What was applied after one sequence. Where `from` is not where the last one ended, the projection has jumped. */
export type News = { readonly from: number; readonly upTo: number; readonly events: readonly Recorded[] }

type Waiter = { readonly sequence: number; readonly settle: (fault?: Fault) => void }

/** Where a projection is, and whom that concerns: those who wait for a position, and those who listen for news. */
export const progressOf = (logId: string) => {
  const waiters = new Set<Waiter>()
  const listeners = new Set<(news: News) => void>()
  let now: Progress = { position: `${logId}.0`, sequence: 0, pending: 0, dropped: 0, state: 'catching up' }

  const at = ({ sequence, dropped }: Checkpoint, pending: number): void => {
    const state = pending === 0 ? 'following' : now.state === 'following' ? 'following' : 'catching up'
    now = { position: `${logId}.${sequence}`, sequence, pending, dropped, state }
    for (const waiter of waiters) if (waiter.sequence <= sequence) waiter.settle()
  }
  const tell = (news: News): void => {
    for (const listener of listeners) listener(news)
  }

  return {
    now: (): Progress => now,
    /** Whether it has once been at the end of the log, and goes on from there. */
    caughtUp: (): boolean => now.state === 'following',

    /**
     * Resolves when the projection has reached a position. A fault where it does not within `milliseconds`, and at once
     * where it has halted or the position is one of another log.
     */
    waitFor: (position: string, milliseconds: number): Promise<void> => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sequence = sequenceIn(position, logId)
      if (now.sequence >= sequence) return Promise.resolve()
      if (now.halted) return Promise.reject(haltedAt(now.halted))
      const settle = (fault?: Fault) => {
        clearTimeout(timer)
        waiters.delete(waiter)
        if (fault) reject(fault)
        else resolve()
      }
      const waiter = { sequence, settle }
      const timer = setTimeout(() => settle(faults.behind(position, now.position, milliseconds)), milliseconds)
      waiters.add(waiter)
      return promise
    },

    /** Calls `listener` after each commit, until the function that it gives is called. */
    onApplied: (listener: (news: News) => void): (() => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },

    /** So much can be read, whatever lies behind it. */
    reached: ({ sequence, dropped }: Checkpoint): void => {
      now = { ...now, position: `${logId}.${sequence}`, sequence, dropped }
      for (const waiter of waiters) if (waiter.sequence <= sequence) waiter.settle()
    },
    begin: (checkpoint: Checkpoint, pending: number): void => {
      now = { ...now, state: 'catching up', halted: undefined }
      at(checkpoint, pending)
      tell({ from: checkpoint.sequence, upTo: checkpoint.sequence, events: [] })
    },
    applied: (from: number, events: readonly Recorded[], checkpoint: Checkpoint, pending: number): void => {
      at(checkpoint, pending)
      tell({ from, upTo: checkpoint.sequence, events })
    },
    /** It can't be written for now, so it is not at the end of the log. */
    blocked: (): void => {
      now = { ...now, state: 'catching up' }
    },
    rebuilding: (): void => {
      now = { ...now, state: 'rebuilding' }
    },
    halt: ({ position, type }: Recorded, reason: string): void => {
      now = { ...now, state: 'halted', halted: { position, type, reason } }
      for (const waiter of waiters) waiter.settle(haltedAt({ position, type, reason }))
    },
    end: (): void => {
      for (const { sequence, settle } of waiters) settle(faults.behind(`${logId}.${sequence}`, now.position, 0))
    },
  }
}

const haltedAt = ({ position, type, reason }: NonNullable<Progress['halted']>): Fault =>
  faults.halted(position, type, reason)

/** The sequence of a position of this log; undefined where it is none. */
export const ownSequence = (text: string, logId: string): number | undefined => {
  if (!position.safeParse(text).success || logIdOf(text) !== logId) return undefined
  const sequence = sequenceOf(text)
  return Number.isSafeInteger(sequence) ? sequence : undefined
}

/** The sequence of a position; a fault where it is one of another log. */
export const sequenceIn = (text: string, logId: string): number => {
  const sequence = ownSequence(text, logId)
  if (sequence === undefined) throw faults.foreignPosition(text, logId)
  return sequence
}
