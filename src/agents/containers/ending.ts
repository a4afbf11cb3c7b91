import { Fault } from '#bus/fault'
import type { ContainerState } from './container-state.ts'

/** How a container ended. Without a reason, it came to a good end. `byItself`: nobody stopped it, and its own code says why. */
export type Ending = { readonly exitCode?: number; readonly reason?: string; readonly byItself?: boolean }

/**
 * What to abort a run with that is cancelled: it is stopped, and what it has given is taken. Aborted with anything else, the run
 * goes on by itself, and is found again.
 */
export const cancelled = (why: string) => new Fault('run.cancelled', `The run was cancelled: ${why}`)

/** Whether a signal says that the run is cancelled, rather than that this process stops. */
export const isCancelled = ({ reason }: AbortSignal): boolean =>
  reason instanceof Fault && reason.code === 'run.cancelled'

/** A number of bytes for people. */
export const bytesFor = (bytes: number): string => {
  const [unit, factor] = (
    [
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ] as const
  ).find(([, factor]) => bytes >= factor) ?? ['bytes', 1]
  return `${Number((bytes / factor).toFixed(1))} ${unit}`
}

/** A length of time for people. */
export const timeFor = (milliseconds: number): string => {
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 120) return `${Number((milliseconds / 1_000).toFixed(1))} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Number((seconds / 3_600).toFixed(1))} h`
}

/** Why a container that is over has failed. What stopped it says more than its exit code does. */
export const endingOf = (state: ContainerState, stopped: string | undefined): Ending => {
  const { exitCode, killedForMemory, memory, error } = state
  if (state.status === 'created') return { exitCode, reason: `it could not be started: ${error}` }
  if (stopped) return { exitCode, reason: stopped }
  if (exitCode === 0) return { exitCode }
  if (killedForMemory)
    return { exitCode, reason: `killed for memory: its limit is ${memory ? bytesFor(memory) : 'that of the machine'}` }
  if (exitCode === 137 && memory)
    return {
      exitCode,
      reason: `exited with 137: somebody killed it, most often the machine for want of memory; its limit is ${bytesFor(memory)}`,
    }
  return { exitCode, reason: error ? `exited with ${exitCode}: ${error}` : `exited with ${exitCode}`, byItself: true }
}
