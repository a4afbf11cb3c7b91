import { join } from 'node:path'
import { Fault } from '#bus/fault'
import { triedAgain, withBackOff } from '../back-off.ts'
import type { Machine } from '../machines/machine.ts'
import { composeArgs, hasBegun, noteBegun } from './begin-run.ts'
import { cleanEngine } from './clean-engine.ts'
import { findContainer, lookAt } from './container-state.ts'
import { type DockerCli, findDocker, isAway } from './docker-cli.ts'
import { type Ending, isCancelled } from './ending.ts'
import { fetchImage } from './fetch-image.ts'
import { followOutput, type Say } from './follow-output.ts'
import { beside, keepResults, keptOutcome, type RunOutcome } from './keep-results.ts'
import { withLastWords } from './last-words.ts'
import { checkIdentity, type RunIdentity } from './run-identity.ts'
import { type Taken, takeResults } from './take-results.ts'
import { type RunLimits, watchRun } from './watch-run.ts'

export type Phase = 'fetching-image' | 'running' | 'collecting' | 'cleaning'

export type Control = {
  readonly machine: Machine
  /** Where the machine's Docker engine listens, as in DOCKER_HOST; without it, where its own settings say. */
  readonly docker?: { readonly host?: string | undefined } | undefined
  /** Where docker-compose.yml was delivered on the machine. */
  readonly folder: string
  readonly run: RunIdentity
  readonly limits: RunLimits & {
    /** How long a registry that does not answer is tried again, in milliseconds: two minutes, unless said otherwise. */
    readonly registryPatience?: number | undefined
  }
  /** A folder here that is not there yet: see `keepResults` for what it then holds. */
  readonly resultsInto: string
  /** The time that the last line came with that `say` was told of this run before. */
  readonly heardUntil?: string | undefined
  /** Resolves once what `say` was told is stored: once the results are kept here, nobody reads the output again. */
  readonly stored?: (() => Promise<void>) | undefined
  /** Told what the run is at, and why it does not go on at present where something is tried again. */
  readonly phase: (phase: Phase, reason?: string) => void
  readonly say: Say
  /** Told each command by which the run begins, with its arguments, as it is run in `folder`. */
  readonly ran?: ((program: readonly string[]) => void) | undefined
  /** Abort it with `cancelled(why)` to end the run, and with anything else to leave it running. */
  readonly signal: AbortSignal
  /** Aborts where this process is to stop, also while a run that was cancelled is being ended. */
  readonly leaving?: AbortSignal | undefined
}

/** How long cleaning may take, in milliseconds, once all else is over. */
const cleaningFor = 300_000

/** How long what a container has said is read on once it is over, in milliseconds. */
const lastWordsFor = 300_000

/**
 * Runs an experiment on a machine, from its image to its results, and leaves nothing of it in the engine. It runs once: called
 * again after this process died, it finds the container and goes on from where that is; what was begun and is gone has failed.
 * Resolves with how the run ended. Rejects where that is unknown (the machine is away; this process is to stop; it could not begin;
 * its results can't be kept here, and so still lie in its container): then it may be called again.
 */
export const runExperiment = async (control: Control): Promise<RunOutcome & { readonly clean: true }> => {
  const { machine, run, resultsInto, phase } = control
  checkIdentity(run)
  const { cancel, leave } = separated(control)
  const docker = await findDocker(machine, control.docker?.host, leave, control.ran)
  const clean = async () => {
    phase('cleaning')
    const within = AbortSignal.any([AbortSignal.timeout(cleaningFor), leave])
    const patience = { within: cleaningFor, passing: isAway, signal: within }
    await withBackOff(() => cleanEngine(docker, run, within), patience)
  }
  const kept = await keptOutcome(resultsInto, run)
  if (kept) {
    await clean()
    return { ...kept, clean: true }
  }
  // Rejects where that can't be seen: it may run, and whatever it leaves must not be taken for nothing.
  const seen = await look(control, docker, leave)
  const begun = await begin(control, docker, seen, cancel, leave).catch(async (thrown) => {
    if (leave.aborted) throw thrown
    // Nothing has run: what lies there of it is of no use to anybody.
    if (cancel.aborted) return { reason: cancel.reason.message }
    if (!isAway(thrown)) await clean()
    throw thrown
  })
  const { ending, taken } = await conclude(control, docker, begun, cancel, leave)
  await control.stored?.()
  const outcome = await keepResults(resultsInto, run, ending, taken)
  await clean()
  return { ...outcome, clean: true }
}

/** What there is of a run: whether it was begun, and its container. */
type Seen = {
  readonly begun: boolean
  readonly found: string | undefined
  readonly state: Awaited<ReturnType<typeof lookAt>> | undefined
}

const look = async ({ machine, folder, run }: Control, docker: DockerCli, leave: AbortSignal): Promise<Seen> => {
  const begun = await hasBegun(machine, folder, run, leave)
  const found = await findContainer(docker, run, leave)
  return { begun, found, state: found === undefined ? undefined : await lookAt(docker, found, leave) }
}

/** The id of a run's container that was started once, now or earlier; or why there is none any more. */
const begin = async (
  control: Control,
  docker: DockerCli,
  { begun, found, state }: Seen,
  cancel: AbortSignal,
  leave: AbortSignal,
): Promise<string | Ending> => {
  const { machine, folder, run, limits, phase, say } = control
  if (found && state && state.status !== 'created') return found
  if (begun && !state) return { reason: 'it had begun, and its container is gone: it is not started a second time' }
  const signal = AbortSignal.any([cancel, leave])
  const id = state && found ? found : await create()
  signal.throwIfAborted()
  await noteBegun(machine, folder, run, leave)
  await docker.start(id, leave).catch((thrown) => {
    if (isAway(thrown)) throw thrown // What it refused stands in the container's state.
  })
  return id

  async function create(): Promise<string> {
    phase('fetching-image')
    const compose = await composeArgs(docker, folder, run, signal)
    const patience = limits.registryPatience ?? 120_000
    const tell = (reason: string, next: number) => {
      const { now, meanwhile } = triedAgain(reason, next, patience)
      say('stderr', now, '')
      phase('fetching-image', meanwhile)
    }
    await fetchImage({ docker, folder, compose, patience, tell, signal })
    await docker.compose(folder, [...compose, 'up', '--no-start'], signal)
    const created = await findContainer(docker, run, signal)
    if (created) return created
    throw new Fault(
      'run.compose',
      `Compose made no container of experiment ${run.experiment} on ${machine.name}: the delivered docker-compose.yml must give its service the label millrace.experiment`,
    )
  }
}

/** Watches a run until it is over, and takes what it has given. */
const conclude = async (
  control: Control,
  docker: DockerCli,
  begun: string | Ending,
  cancel: AbortSignal,
  leave: AbortSignal,
): Promise<{ readonly ending: Ending; readonly taken: Taken }> => {
  const { run, limits, phase, say, heardUntil, resultsInto } = control
  if (typeof begun !== 'string') return { ending: begun, taken: { files: [], refused: [] } }
  phase('running')
  const deaf = new AbortController()
  const signal = AbortSignal.any([leave, deaf.signal])
  const heard = followOutput({ docker, id: begun, heardUntil, lines: limits.lines, say, signal })
  const ended = await watchRun({ docker, id: begun, run, limits, cancel, leave }).catch((thrown) => {
    deaf.abort()
    throw thrown
  })
  // What it said last is still to be read, but not for ever.
  const timer = setTimeout(() => deaf.abort(), lastWordsFor)
  await heard.finally(() => clearTimeout(timer))
  const ending = await withLastWords(docker, begun, ended, leave)
  phase('collecting')
  const into = join(beside(resultsInto), 'files')
  const taken = await withBackOff(
    () => takeResults(docker, begun, into, { bytes: limits.disk, files: limits.files }, leave),
    { within: limits.absence ?? 600_000, passing: isAway, signal: leave },
  )
  return { ending, taken }
}

/** One signal for each meaning of an abort: the run is cancelled, or this process is to stop. */
const separated = ({ signal, leaving }: Control): { readonly cancel: AbortSignal; readonly leave: AbortSignal } => {
  const [cancel, leave] = [new AbortController(), new AbortController()]
  const abort = () => (isCancelled(signal) ? cancel : leave).abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return { cancel: cancel.signal, leave: leaving ? AbortSignal.any([leave.signal, leaving]) : leave.signal }
}
