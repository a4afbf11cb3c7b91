import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Recorded } from '#contracts/envelope'
import type { StepName } from '#contracts/experiment-parts'
import type { KnownExperiment } from '#contracts/experiment-state'

/** An experiment, and everything that has happened to it. */
export type Seen = { readonly experiment: KnownExperiment; readonly events: readonly Recorded[] }

/** How an experiment stands, for whoever reads why a test failed. */
export const told = ({ experiment, events }: Seen): string =>
  [
    JSON.stringify(experiment.sites),
    ...events.slice(-12).map(({ type, data }) => {
      const { part = '', step = '', reason = '' } = data as Record<string, string>
      return [type, part, step, reason].join(' ')
    }),
  ].join('\n')

/** What the hosts of a testbed have said last. */
export const lastWords = (folder: string): string =>
  ['portal', 'north', 'south', 'one', 'three']
    .map((name) => `${name}: ${readFileSync(join(folder, 'logs', `${name}.log`), 'utf8').slice(-1_500)}`)
    .join('\n')

/** The reason that a step failed for; empty where it did not. */
export const reasonOf = ({ experiment }: Seen, part: string, step: StepName): string =>
  experiment.parts[part]?.[step]?.state === 'failed' ? (experiment.parts[part]?.[step]?.reason ?? '') : ''

/** Whether a step has failed when it was tried for that time. */
export const failedAt =
  (part: string, step: StepName, tries: number) =>
  ({ experiment: { parts } }: Seen): boolean =>
    parts[part]?.[step]?.try === tries && parts[part]?.[step]?.state === 'failed'

/** How often something of that kind was recorded of each step, by its part and name. */
export const countOf = ({ events }: Seen, type: string): Readonly<Record<string, number>> => {
  const all: Record<string, number> = {}
  for (const { type: its, data } of events) {
    const { part, step } = data as { part?: string; step?: string }
    if (its === `experiment.${type}`) all[`${part} ${step}`] = (all[`${part} ${step}`] ?? 0) + 1
  }
  return all
}

/** Files that a manifest names and that are not as it says. */
export const altered = (folder: string): readonly string[] => {
  const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    files: { path: string; sha256: string; size: number }[]
  }
  return files.flatMap(({ path, sha256 }) => {
    const file = join(folder, 'files', path)
    const isAsSaid = existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === sha256
    return isAsSaid ? [] : [path]
  })
}

/** Everything under a folder whose bytes hold a text. */
export const holding = (folder: string, text: string): readonly string[] => {
  try {
    return execFileSync('grep', ['-rlF', '--', text, folder], { encoding: 'utf8' }).trim().split('\n')
  } catch {
    return [] // grep ends with 1 where there is none.
  }
}

/** Tries again until it holds. */
export const eventually = async (holds: () => Promise<boolean> | boolean, what: string, within = 60_000) => {
  for (const until = Date.now() + within; !(await holds()); await delay(50))
    if (Date.now() > until) throw new Error(`It has not become so that ${what}`)
}
