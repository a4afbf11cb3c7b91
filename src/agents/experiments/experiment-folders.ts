import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bus } from '#bus/bus'
import { reasonOf } from '#bus/fault'
import { knownIn } from '#contracts/all'
import type { ExperimentEvent } from '#contracts/experiment'
import { historiesOf } from '#contracts/subjects'
import type { Hosting } from '../hosting.ts'

type Keeping = Pick<Hosting, 'log'> & {
  readonly bus: Pick<Bus, 'follow' | 'head' | 'logId'>
  /** Where the portal keeps experiments. */
  readonly experiments: string
  readonly signal: AbortSignal
}

/**
 * Makes a folder of its own for each experiment, below each of its sites, as soon as it is created, until `signal` aborts. Where the
 * portal is killed before, or can't, its code makes the folder when it is fetched. Resolves, with the work that goes on, once no
 * experiment from then on is missed.
 */
export const keepFolders = async ({
  bus,
  experiments,
  log,
  signal,
}: Keeping): Promise<{ following: Promise<void> }> => {
  const sequence = await bus.head()
  const make = async (event: ExperimentEvent, id: string): Promise<void> => {
    const sites = (event.type === 'experiment.created' && event.data.resource.sites) || []
    for (const site of sites)
      await mkdir(join(experiments, site, id), { recursive: true }).catch((cause: unknown) =>
        log('warn', `The folder of ${id} can't be made: ${reasonOf(cause)}`),
      )
  }
  const follow = async () => {
    try {
      await bus.follow(
        { logId: bus.logId, sequence },
        async ({ events }) => {
          for (const recorded of events) {
            const event = knownIn<ExperimentEvent>(recorded)
            if (event) await make(event, recorded.address.key)
          }
        },
        signal,
        [historiesOf({ aggregate: 'experiment' })],
      )
    } catch (cause) {
      if (!signal.aborted) throw cause
    }
  }
  return { following: follow() }
}
