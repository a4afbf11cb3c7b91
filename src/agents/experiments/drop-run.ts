import { placeOfPart } from '#contracts/experiment-parts'
import { cleanEngine } from '../containers/clean-engine.ts'
import { findDocker } from '../containers/docker-cli.ts'
import type { Machine } from '../machines/machine.ts'
import type { StepTask } from './step-work.ts'

type Dropping = {
  readonly machine: Machine
  readonly engine?: string | undefined
  readonly signal: AbortSignal
}

/** Ends what still runs on an end node of a run that is nobody's business any longer, and leaves nothing of it. */
export const dropRun =
  ({ machine, engine, signal }: Dropping) =>
  async ({ address, data }: StepTask): Promise<void> => {
    const { site, node = '' } = placeOfPart(data.part)
    const run = { experiment: address.key, attempt: data.attempt, number: data.run ?? 1, site, node }
    await cleanEngine(await findDocker(machine, engine, signal), run, signal)
  }
