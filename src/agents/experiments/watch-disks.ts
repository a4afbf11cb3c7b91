import { setTimeout as delay } from 'node:timers/promises'
import type { Disk } from '#contracts/disk'
import type { Machine } from '../machines/machine.ts'
import { roomAt } from '../machines/room.ts'

/** How often it is looked, and how long one look may take, in milliseconds. */
const every = 60_000
const within = 20_000

/** The folder of a part, whose disk counts, and the machine that it lies on. */
export type Watched = { readonly part: string; readonly machine: Machine; readonly folder: string }

/** Tells how much room there is for each part, at once and then every minute, until `signal` aborts; undefined where nobody can say. */
export const watchDisks = async (
  all: readonly Watched[],
  tell: (part: string, found: Disk | undefined) => void,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await Promise.all(
      all.map(async ({ part, machine, folder }) => {
        const look = roomAt(machine, folder, AbortSignal.any([signal, AbortSignal.timeout(within)]))
        // Who takes its steps says why a machine can't be reached.
        tell(part, await look.catch(() => undefined))
      }),
    )
    await delay(every, undefined, { signal }).catch(() => undefined)
  }
}
