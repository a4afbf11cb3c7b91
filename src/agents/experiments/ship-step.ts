import { join } from 'node:path'
import type { Machine } from '../machines/machine.ts'
import { checkAttempt } from './attempt-mark.ts'
import type { Bundles } from './bundle.ts'
import { besideCode, commitOf } from './places-of.ts'
import { sparsely } from './sparsely.ts'
import type { TakeStep } from './take-steps.ts'

type Shipping = {
  /** Where the portal keeps experiments of this site. */
  readonly experiments: string
  /** The site server, and where it keeps them. */
  readonly machine: Machine
  readonly folder: string
}

/** Brings an experiment's code to its site server by rsync. */
export const shipStep =
  ({ experiments, machine, folder }: Shipping): TakeStep =>
  async ({ id, step, experiment, say, run, signal }) => {
    const from = join(experiments, id)
    const to = join(folder, id)
    await checkAttempt(from, { experiment: id, attempt: step.attempt, commit: commitOf(experiment) })
    // What lies there of an attempt before may be of the same size, and have been written in the same second.
    const options = { byBytes: true, exact: true, except: besideCode }
    await machine.send(from, to, { ...options, progress: sparsely(say), ran: run, signal })
    return { step: 'ship' }
  }

/** Brings it there through a bucket of the bus, for its site server to take it out. */
export const shipOverBus =
  ({ experiments, bundles }: Pick<Shipping, 'experiments'> & { readonly bundles: Bundles }): TakeStep =>
  async ({ id, step, experiment, say, signal }) => {
    const from = join(experiments, id)
    await checkAttempt(from, { experiment: id, attempt: step.attempt, commit: commitOf(experiment) })
    const bundle = await bundles.put(from, { except: besideCode, signal })
    say(`Put into the bucket of ${bundles.host}: ${bundle}`)
    return { step: 'ship', bundle }
  }
