import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault, reasonOf } from '#bus/fault'
import { placeOfPart, type Results } from '#contracts/experiment-parts'
import { cancelled } from '../containers/ending.ts'
import { readManifest } from '../containers/manifest.ts'
import type { Machine } from '../machines/machine.ts'
import { machineFaults } from '../machines/machine-faults.ts'
import type { Bundles } from './bundle.ts'
import { runUntilKnown } from './run-until-known.ts'
import type { TakeStep } from './take-steps.ts'

type Running = {
  /** The end node: this machine, or another one over ssh. */
  readonly machine: Machine
  /** Where the Docker engine of the node listens, as it is told there. */
  readonly engine?: string | undefined
  /** Where its experiments lie. */
  readonly folder: string
  /** What results may take, in bytes, and how many files. */
  readonly limits: { readonly disk: number; readonly files: number }
  /** How long a registry that does not answer is tried again, in milliseconds. */
  readonly registryPatience?: number | undefined
  /** Where the results of a run are laid down here. */
  readonly resultsInto: (id: string, attempt: number, run: number) => string
  /** Where the Compose file is written that came through the log; undefined where it was delivered by rsync. */
  readonly compose?: ((id: string) => string) | undefined
  /** Puts results where the site server can have them; undefined where it fetches them over ssh. */
  readonly bundles?: Bundles | undefined
}

/** How many lines of what a container says are heard, in all. */
const mostLines = 1_000_000

/** Runs an experiment on an end node under the control module. What was begun by an earlier execution is found again. */
export const runStep =
  ({ machine, engine, folder, limits, registryPatience, resultsInto, compose, bundles }: Running): TakeStep =>
  async ({ id, step, execution, experiment, say, heard, stored, run, phase, signal, leaving }) => {
    const { site, node = '' } = placeOfPart(step.part)
    const { attempt, run: number = 1, duration } = step
    if (duration === undefined)
      throw new Fault('step.missing', `Nobody has said how long ${id} may run on ${step.part}: run it again`)
    const stop = new AbortController()
    const end = () =>
      stop.abort(leaving.aborted ? leaving.reason : cancelled(String(signal.reason?.message ?? signal.reason)))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
    // Told to stop while nobody was here to hear it.
    const { stopping } = experiment.parts[step.part]?.run ?? {}
    if (stopping !== undefined) stop.abort(cancelled(stopping))
    const text = madeBy(experiment.parts[step.part]?.deliver?.made)
    if (compose && text !== undefined) {
      await keepAt(compose(id), text, machine.name)
    }
    const into = resultsInto(id, attempt, number)
    await mkdir(dirname(into), { recursive: true })
    try {
      const control = {
        machine,
        docker: { host: engine },
        folder: join(folder, id),
        run: { experiment: id, attempt, number, site, node },
        limits: { milliseconds: duration, disk: limits.disk, files: limits.files, lines: mostLines, registryPatience },
        resultsInto: into,
        heardUntil: heard.until(),
        stored,
        phase,
        ran: run,
        say: (stream: 'stdout' | 'stderr', line: string, at: string) =>
          say(line, stream === 'stderr' ? 'warn' : 'info', at === '' ? undefined : () => heard.note(at)),
        signal: stop.signal,
        leaving,
      }
      const outcome = await runUntilKnown(control, {
        mayRun: execution.delivery > 1,
        within: step.timeout ?? duration,
        warn: (line) => say(line, 'warn'),
        leaving,
      })
      const { manifest, files, bytes, partial } = outcome.results
      const refused = (await readManifest(join(into, 'manifest.json'))).refused.length
      const bundle = bundles && (await bundles.put(into, { signal: leaving }))
      const results: Results = { manifest, files, bytes, partial, refused, ...(bundle !== undefined && { bundle }) }
      if (refused > 0)
        say(`${refused} things among the results are no files, and were left: see their manifest`, 'warn')
      return outcome.outcome === 'succeeded'
        ? { step: 'run', exitCode: outcome.exitCode ?? 0, results }
        : { failed: outcome.reason ?? 'It did not succeed', results }
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

/** Writes a file as a whole, in a folder that is made where it is missing; leaves nothing where it can't. */
const keepAt = async (path: string, text: string, where: string): Promise<void> => {
  const draft = `${path}.draft`
  const made = await mkdir(dirname(path), { recursive: true })
  try {
    await writeFile(draft, text)
    await rename(draft, path)
  } catch (cause) {
    await rm(made ?? draft, { recursive: true, force: true })
    const isFull = ['ENOSPC', 'EDQUOT'].includes(String(Object(cause).code))
    const { noSpace, copyFailed } = machineFaults
    throw (isFull ? noSpace : copyFailed)(where, `keep ${path}`, reasonOf(cause))
  }
}

const madeBy = (made: { readonly step: string; readonly compose?: string | undefined } | undefined) =>
  made?.step === 'deliver' ? made.compose : undefined
