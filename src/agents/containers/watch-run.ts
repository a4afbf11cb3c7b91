import { setTimeout as delay } from 'node:timers/promises'
import { withBackOff } from '../back-off.ts'
import { type ContainerState, lookAt, ranOutOfMemory, volumeSize } from './container-state.ts'
import { type DockerCli, isAway } from './docker-cli.ts'
import { bytesFor, type Ending, endingOf, timeFor } from './ending.ts'
import type { RunIdentity } from './run-identity.ts'

export type RunLimits = {
  /** How long the container may run, from its start, whoever watches it. */
  readonly milliseconds: number
  /** What it may write, in bytes: results and all else. */
  readonly disk: number
  /** How many files and folders of results are taken. */
  readonly files: number
  /** How many lines of output are said. */
  readonly lines: number
  /** How long it has to end once it is told to, in milliseconds: ten seconds, unless said otherwise. */
  readonly grace?: number | undefined
  /** How long the machine or its engine may be away, in milliseconds: ten minutes, unless said otherwise. */
  readonly absence?: number | undefined
}

type Watch = {
  readonly docker: DockerCli
  readonly id: string
  readonly run: RunIdentity
  readonly limits: RunLimits
  /** Aborts where the run is to be stopped, with why. */
  readonly cancel: AbortSignal
  /** Aborts where this process is to stop: the container goes on. */
  readonly leave: AbortSignal
}

/** How often the engine is asked, in milliseconds; and of how many parts of its time that may take one. */
const [every, part] = [2_000, 5]

/**
 * Watches a container until it is over, and stops it where it goes beyond its limits or is cancelled. Rejects where its machine is
 * away for too long, and where `leave` aborts: the container then runs on.
 */
export const watchRun = async (watch: Watch): Promise<Ending> => {
  const { docker, id, limits, cancel, leave } = watch
  const done = new AbortController()
  const signal = AbortSignal.any([leave, done.signal])
  const patiently = <T>(attempt: () => Promise<T>) =>
    withBackOff(attempt, { within: limits.absence ?? 600_000, passing: isAway, signal })
  let ended: Promise<unknown> | undefined
  try {
    for (;;) {
      const begins = performance.now()
      const state = await patiently(() => lookAt(docker, id, signal))
      if (!state) return { reason: 'its container is gone: somebody removed it while it ran' }
      const why = await patiently(() => beyond(state, watch, signal))
      if (state.status !== 'running') {
        const noted = state.exitCode === 137 && !why && (await ranOutOfMemory(docker, id, signal))
        return endingOf({ ...state, killedForMemory: state.killedForMemory || noted }, why)
      }
      if (why) {
        const after = await patiently(() => stop(watch, signal))
        return after ? endingOf(after, why) : { reason: why }
      }
      ended ??= docker
        .ask(['wait', id], signal)
        .catch(() => delay(every, undefined, { signal }).catch(() => undefined))
        .finally(() => {
          ended = undefined
        })
      const pause = Math.max(every, part * (performance.now() - begins))
      const waited = delay(pause, undefined, { signal: AbortSignal.any([signal, cancel]) })
      await Promise.race([ended, waited]).catch(() => undefined)
      leave.throwIfAborted()
    }
  } finally {
    done.abort()
  }
}

/** Why a run may not go on, or might not have gone on as long as it did; undefined where it may. */
const beyond = async (state: ContainerState, watch: Watch, signal: AbortSignal): Promise<string | undefined> => {
  const { docker, run, limits, cancel } = watch
  if (state.status === 'created') return undefined
  if (state.ran >= limits.milliseconds) return `stopped: it ran for longer than its ${timeFor(limits.milliseconds)}`
  const written = state.written + ((await volumeSize(docker, run, signal)) ?? 0)
  if (written > limits.disk) return `stopped: it wrote ${bytesFor(written)}, its limit is ${bytesFor(limits.disk)}`
  if (cancel.aborted && state.status === 'running') return cancel.reason.message
  return undefined
}

/** Tells a container to end, kills it where it does not, and resolves with how it stands then. */
const stop = async ({ docker, id, limits }: Watch, signal: AbortSignal): Promise<ContainerState | undefined> => {
  const grace = Math.ceil((limits.grace ?? 10_000) / 1_000)
  await docker.ask(['stop', '-t', String(grace), id], signal).catch(async (thrown) => {
    if (isAway(thrown)) throw thrown
    await docker.ask(['kill', id], signal).catch((again) => {
      if (isAway(again)) throw again // It has ended meanwhile, or is gone.
    })
  })
  return lookAt(docker, id, signal)
}
