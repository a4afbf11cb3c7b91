import { join } from 'node:path'
import { expect } from 'vitest'
import { type Control, runExperiment } from '#agents/containers/control'
import { readManifest, verifyManifest } from '#agents/containers/manifest'
import { type AskDocker, removeAll } from './engine.ts'
import { deliver, type Trial } from './experiment.ts'

let count = 0

/** What a test changes of the limits of its run. */
export const limits = (more: Partial<Control['limits']>) => ({ limits: more as Control['limits'] })

/** Runs scripts as experiments on an engine, and holds each of them to what always holds. */
export const trialsOn = (host: string, docker: AskDocker, temporaryFolder: () => string) => {
  const names = new Set<string>()
  const prepare = (trial: Partial<Trial> & Pick<Trial, 'image' | 'script'>, more: Partial<Control> = {}) => {
    const experiment = trial.experiment ?? `control-${process.pid}-${++count}`
    names.add(experiment)
    const root = temporaryFolder()
    return { root, experiment, ...deliver(root, host, { ...trial, experiment }, more) }
  }
  /** What the engine still holds of an experiment. */
  const leftOf = async (experiment: string): Promise<string> => {
    const label = ['--filter', `label=millrace.experiment=${experiment}`]
    const lists = [
      ['ps', '-aq'],
      ['volume', 'ls', '-q'],
      ['network', 'ls', '-q'],
      ['images', '-q'],
    ]
    return (await Promise.all(lists.map((list) => docker(...list, ...label)))).join('')
  }
  /** Runs it to its end: the engine is clean then, and the manifest agrees with the files. */
  const runs = async ({ control, root, experiment }: ReturnType<typeof prepare>) => {
    const outcome = await runExperiment(control)
    expect(outcome.clean).toBe(true)
    expect(await leftOf(experiment)).toBe('')
    const manifest = await readManifest(join(root, 'results/manifest.json'))
    expect(verifyManifest(join(root, 'results/files'), manifest)).toEqual([])
    return { outcome, manifest }
  }
  /** Removes what tests that failed have left. */
  const sweep = async () => {
    for (const experiment of names) await removeAll(docker, experiment)
  }
  return { prepare, leftOf, runs, sweep }
}
