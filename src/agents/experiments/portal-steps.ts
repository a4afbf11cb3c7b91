import { join } from 'node:path'
import { patiently } from '#bus/patience'
import { portalPlace } from '#contracts/experiment-parts'
import type { Hosted, Hosting } from '../hosting.ts'
import { sshMachine } from '../machines/ssh-machine.ts'
import type { Vault } from '../uploads/secrets.ts'
import { openBundles } from './bundle.ts'
import { fetchStep } from './fetch-step.ts'
import { occupantOf, takersAt } from './named-before.ts'
import { packagerStep } from './packager-step.ts'
import type { PortalConfig } from './portal-config.ts'
import { pullStep } from './pull-step.ts'
import { shipOverBus, shipStep } from './ship-step.ts'
import { type TakeStep, takeSteps } from './take-steps.ts'
import { uploaderStep } from './upload-step.ts'

/** How many repositories are fetched at once, and for how many experiments things are brought to or from one site at once. */
const fetchedAtOnce = 4
const movedAtOnce = 4

/** Takes the steps that are taken at the portal. */
export const takeAll = (
  hosting: Hosting,
  { outbox, run, signal }: Hosted,
  config: PortalConfig,
  { scratch, vault }: { readonly scratch: string; readonly vault: Vault },
): void => {
  const { bus, host } = hosting
  const given = { ...hosting, outbox, signal }
  const bundles = openBundles(bus, host, scratch)
  const fetch = fetchStep({
    experiments: config.experiments,
    limits: config.source,
    local: config.gitFolders.length > 0,
    ssh: config.git,
    hosts: config.gitHosts,
  })
  run(takeSteps(given, { where: portalPlace, agent: 'source-fetcher' }, fetch, { concurrency: fetchedAtOnce }))
  const load = uploaderStep({
    experiments: config.experiments,
    directories: config.directories,
    reach: config.uploads,
    vault,
  })
  for (const [site, { server, ssh, transport, folder, packageBuilder }] of Object.entries(config.sites)) {
    const experiments = join(config.experiments, site)
    const machine = ssh && sshMachine(ssh)
    const reached = machine && { machine, folder }
    const overSsh = transport === 'ssh' ? reached : undefined
    const ship = overSsh ? shipStep({ experiments, ...overSsh }) : shipOverBus({ experiments, bundles })
    const moving = { concurrency: movedAtOnce }
    run(takeSteps(given, { where: site, agent: 'shipper' }, ship, moving))
    if (overSsh) {
      const tell = packagerStep({ bus, ...overSsh, server, command: packageBuilder })
      run(takeSteps(given, { where: site, agent: 'packager' }, tell, moving))
    }
    for (const agent of ['results-prober', 'results-uploader'])
      run(takeSteps(given, { where: site, agent }, load, moving))
    run(
      takeSteps(
        given,
        { where: site, agent: 'results-puller' },
        pullStep({ experiments, bundles, site: reached }),
        moving,
      ),
    )
  }
}

/**
 * Takes what is asked of places that were taken out of the portal's file, so that it fails with that as its reason instead of waiting
 * for ever; and says which experiments still have end nodes there.
 */
export const takeLeft = async (
  hosting: Hosting,
  { outbox, run, signal }: Hosted,
  gone: readonly string[],
): Promise<void> => {
  const nobody: TakeStep = async () => ({ failed: "The portal's file has its place no longer" })
  for (const part of gone) {
    for (const agent of takersAt(part)) run(takeSteps({ ...hosting, outbox, signal }, agent, nobody))
    const experiment = await patiently(() => occupantOf(hosting.bus, part), signal)
    if (experiment !== undefined)
      hosting.log('warn', `The portal's file has no end node ${part} any more; ${experiment} has it until it is over`)
  }
}
