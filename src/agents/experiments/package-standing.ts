import type { Bus } from '#bus/bus'
import type { KnownExperiment } from '#contracts/experiment-state'
import { readExperiment } from './take-steps.ts'

/** An experiment as it is now; undefined where there is none. */
export const standing = async (
  bus: Pick<Bus, 'read'>,
  project: string,
  id: string,
): Promise<KnownExperiment | undefined> => {
  const experiment = await readExperiment(bus, { aggregate: 'experiment', scope: project, key: id })
  return experiment.status === 'unknown' ? undefined : experiment
}
