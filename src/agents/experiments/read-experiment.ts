import type { Bus } from '#bus/bus'
import { foldOf } from '#contracts/all'
import { evolve, initial } from '#contracts/experiment-evolve'
import type { KnownExperiment } from '#contracts/experiment-state'
import type { Address } from '#contracts/subjects'

/** An experiment as its history tells; undefined where there is none. */
export const readExperiment = async (
  bus: Pick<Bus, 'read'>,
  address: Address,
): Promise<KnownExperiment | undefined> => {
  const { events } = await bus.read(address)
  const experiment = foldOf(evolve, initial, events)
  return experiment.status === 'unknown' ? undefined : experiment
}
