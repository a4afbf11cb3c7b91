import { withBackOff } from '../back-off.ts'
import { type Control, type Phase, runExperiment } from '../containers/control.ts'
import { shortly } from '../containers/docker-cli.ts'

type Outcome = Awaited<ReturnType<typeof runExperiment>>

type Trying = {
  /** Whether an earlier execution may have begun it. */
  readonly mayRun: boolean
  /** How long what runs there is looked for, in milliseconds. */
  readonly within: number
  readonly warn: (line: string) => void
  readonly leaving: AbortSignal
}

/** The machine or its engine is away, somebody is to remove something there, or there is no room here for what it holds. */
const passing =
  /^(machine\.(?!bad-|no-).*|machine\.no-space|engine\.(unreachable|not-clean)|results\.disk|ENOSPC|EDQUOT)$/

/**
 * Runs an experiment as `runExperiment` does, and goes on where that broke off while its container may run, or holds results:
 * where its machine is away, and where there is no room for them here. What has not begun for certain is not waited for: it rejects.
 */
export const runUntilKnown = (
  control: Control,
  { mayRun: mayHaveBegun, within, warn, leaving }: Trying,
): Promise<Outcome> => {
  let mayRun = mayHaveBegun
  let { heardUntil } = control
  let last: Phase = 'running'
  const phase: Control['phase'] = (now, reason) => {
    mayRun ||= now === 'running'
    last = now
    control.phase(now, reason)
  }
  const say: Control['say'] = (stream, line, at) => {
    if (at > (heardUntil ?? '')) heardUntil = at
    control.say(stream, line, at)
  }
  return withBackOff(() => runExperiment({ ...control, heardUntil, say, phase }), {
    within,
    passing: (thrown) => mayRun && canBeMended(thrown),
    tell: (thrown, next) => {
      warn(`${shortly(thrown)}; it may run there, trying again in ${Math.round(next / 1_000)} s`)
      control.phase(last, `${shortly(thrown)}; it may run there, and is asked for again and again`)
    },
    signal: leaving,
  })
}

/** Whether it is something that passes, or that somebody can mend meanwhile. */
const canBeMended = (thrown: unknown): boolean => passing.test(String(Object(thrown).code))
