import { createHash } from 'node:crypto'
import { Fault } from '#bus/fault'

/** Which run of which attempt this is, and where. */
export type RunIdentity = {
  readonly experiment: string
  readonly attempt: number
  readonly number: number
  readonly site: string
  readonly node: string
}

/** Letters, digits, dots, dashes and underscores: what labels, paths and filters of the engine all take as it is. */
const plain = /^[A-Za-z0-9][\w.-]{0,127}$/

/** Throws where a run can't be named by this. */
export const checkIdentity = (run: RunIdentity): void => {
  for (const key of ['experiment', 'site', 'node'] as const)
    if (!plain.test(run[key]))
      throw new Fault('run.identity', `'${run[key]}' can't be the ${key} of a run: use letters, digits, ., - and _`)
  for (const key of ['attempt', 'number'] as const)
    if (!Number.isSafeInteger(run[key]) || run[key] < 0)
      throw new Fault('run.identity', `${run[key]} can't be the ${key} of a run: expected a whole number`)
}

/** How the Compose projects of one experiment on one node begin: nobody else's do. */
export const projectsOf = ({ experiment, site, node }: Omit<RunIdentity, 'attempt' | 'number'>): string => {
  const shown = experiment
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 24)
  const hash = createHash('sha256')
    .update(JSON.stringify([experiment, site, node]))
    .digest('hex')
  return `millrace-${shown}-${hash.slice(0, 12)}-`
}

/** The Compose project of one run: by it, its container is found again. */
export const projectOf = (run: RunIdentity): string => `${projectsOf(run)}${run.attempt}-${run.number}`

/** The labels that the delivered Compose file does not hold, because it is made before a run has a number. */
export const runLabels = ({ number, site, node }: RunIdentity) => ({
  'millrace.run': String(number),
  'millrace.node': `${site}/${node}`,
})
