import { setTimeout as delay } from 'node:timers/promises'
import { faults } from '#bus/fault'
import { splitPart } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import type { Trader } from './exchange.ts'

/** How long another host may take to let go of a store, in milliseconds: it may be ending. */
const letGoWithin = 3_000

/** Resolves once no other host answers for a store; a fault where one goes on: a store lies in one place. */
export const untilNobodyKeeps = async (
  { bus, signal }: Pick<Trader, 'bus' | 'signal'>,
  store: string,
): Promise<void> => {
  const { pipeline, node } = splitPart(store)
  const ask = () => bus.request(serviceOf(pipeline, node, 'list', bus.principal), {}, { timeout: 1_000 })
  for (const until = performance.now() + letGoWithin; ; ) {
    signal.throwIfAborted()
    const answered = await ask().then(
      () => true,
      () => false, // Nobody is there, or nobody who lives.
    )
    if (!answered) return
    if (performance.now() > until) throw faults.keptElsewhere(store)
    await delay(200, undefined, { signal }).catch(() => undefined)
  }
}
