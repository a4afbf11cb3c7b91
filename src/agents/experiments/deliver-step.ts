import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { partOfSite, placeOfPart } from '#contracts/experiment-parts'
import { composeFile } from '../containers/compose-file.ts'
import type { Machine } from '../machines/machine.ts'
import { partialFolder } from '../machines/rsync.ts'
import { builtAt } from './places-of.ts'
import type { SiteConfig } from './site-config.ts'
import { composeGivenOf } from './site-container.ts'
import type { TakeStep } from './take-steps.ts'

type Delivering = {
  readonly config: SiteConfig
  /** The end node; undefined where it has no ssh, and takes what it is to run from the log. */
  readonly machine?: Machine | undefined
}

/** Brings the Compose file to an end node. */
export const deliverStep =
  ({ config, machine }: Delivering): TakeStep =>
  async ({ id, step, experiment, run, say, signal }) => {
    const { site, node = '' } = placeOfPart(step.part)
    const built = builtAt(experiment, site)
    // What an operator's own command wrote is theirs.
    const isOurs = experiment.parts[partOfSite(site)]?.build?.agent === 'site-server'
    const about = { experiment: id, attempt: step.attempt, site, node, image: built.image }
    const compose = isOurs ? composeFile({ ...about, ...composeGivenOf(config, node) }) : built.compose
    if (!machine) {
      say(`${step.part} takes the Compose file from here`)
      return { step: 'deliver', compose }
    }
    const draft = join(config.experiments, '.delivered', id, node)
    await rm(draft, { recursive: true, force: true })
    try {
      await mkdir(draft, { recursive: true })
      await writeFile(join(draft, 'docker-compose.yml'), compose)
      const folder = config.nodes[node]?.folder ?? '~'
      await machine.send(draft, join(folder, id), { ran: run, signal }).catch(async (cause) => {
        if (Object(cause).code === 'machine.no-space')
          await leaveNothing(machine, folder, id, signal).catch(() => undefined)
        throw cause
      })
      return { step: 'deliver' }
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }

/** Where there was room for a folder, and for nothing in it: removes that, unless something was delivered into it before. */
const leaveNothing = async (machine: Machine, folder: string, id: string, signal: AbortSignal): Promise<void> => {
  await machine.run(['rm', '-rf', '--', join(id, partialFolder)], { folder, signal })
  await machine.run(['rmdir', '--', id], { folder, signal })
}
