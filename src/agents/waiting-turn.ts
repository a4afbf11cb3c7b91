import { setTimeout as delay } from 'node:timers/promises'
import type { Work } from '#bus/bus'

/**
 * How long work waits for its turn until it is asked whether somebody else would do it at once, in milliseconds: twice as
 * long with each delivery. A host that is full asks for work as well, and what goes to and fro between two of them loses its
 * place each time: from this delivery on, after four minutes, it stays where it is.
 */
const usualPatience = 2_000
const stays = 8

/** Runs a task: at once, or when its turn among others has come. */
export type Turn = <T>(task: () => Promise<T>) => Promise<T>

/**
 * Does work when its turn comes on this host; `wanted`, without having begun, where another host that could do it waits for
 * such work meanwhile: then it is to be given back, because of a node's executions all hosts together have no more.
 */
export const inTurnUnlessWanted = async <T>(
  inTurn: Turn,
  { delivery, wanted }: Pick<Work, 'delivery' | 'wanted'>,
  task: () => Promise<T>,
  patience = usualPatience,
): Promise<T | 'wanted'> => {
  const waiting = new AbortController()
  let left = false
  const turn = inTurn(async () => {
    waiting.abort()
    return left ? ('wanted' as const) : task()
  })
  const leave = async (): Promise<T | 'wanted'> => {
    const pause = patience * 2 ** (delivery - 1)
    while (delivery < stays && !waiting.signal.aborted) {
      await delay(pause, undefined, { signal: waiting.signal, ref: false }).catch(() => undefined)
      const isWanted = !waiting.signal.aborted && (await wanted().catch(() => false))
      if (!isWanted || waiting.signal.aborted) continue
      left = true
      return 'wanted'
    }
    return turn
  }
  return Promise.race([turn, leave()])
}
