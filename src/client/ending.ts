import { setTimeout as delay } from 'node:timers/promises'
import type { Bus } from '#bus/bus'
import { passesSoon } from '#bus/patience'
import { knownIn } from '#contracts/all'
import type { Recorded } from '#contracts/envelope'
import type { RunEvent } from '#contracts/run'
import { addressOfRun, historyOf } from '#contracts/subjects'
import { historyOfRun, type NamedRun } from './naming.ts'

const ends: ReadonlySet<string | undefined> = new Set<RunEvent['type']>([
  'run.succeeded',
  'run.failed',
  'run.cancelled',
  'run.timed-out',
])

/** Resolves with the position at which a run has ended, once it has; rejects where there is none, and when `signal` aborts. */
export const endOf = async (bus: Bus, run: NamedRun, signal: AbortSignal): Promise<string> => {
  const { recorded, version } = await historyOfRun(bus, run)
  let position = recorded.find((one) => isEnd(one))?.position
  if (position !== undefined) return position
  const ended = new AbortController()
  await bus.follow(
    { logId: bus.logId, sequence: version },
    ({ events }) => {
      position ??= events.find((one) => isEnd(one))?.position
      if (position !== undefined) ended.abort()
    },
    AbortSignal.any([signal, ended.signal]),
    [historyOf(addressOfRun(run.name))],
  )
  if (position === undefined) throw signal.reason
  return position
}

/** For how long what has been recorded is asked for while nobody can tell it, in milliseconds. */
const toldWithin = 60_000

/** What is recorded, once a projection has read as far, and somebody answers who keeps one. */
export const onceTold = async <T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> => {
  for (const until = performance.now() + toldWithin; ; ) {
    try {
      return await ask()
    } catch (cause) {
      const passes = passesSoon(cause)
      if (!passes || performance.now() > until) throw cause
      await delay(500, undefined, { signal })
    }
  }
}

const isEnd = (recorded: Recorded): boolean => ends.has(knownIn<RunEvent>(recorded)?.type)
