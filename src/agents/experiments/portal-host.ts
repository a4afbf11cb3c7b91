import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commandFrom, own } from '#bus/command'
import { patiently } from '#bus/patience'
import { portalPart, portalPlace } from '#contracts/experiment-parts'
import { addressOfPortal, type Policy } from '#contracts/portal'
import { tellWhenDue } from '../due.ts'
import { type Hosted, type Hosting, runAgents } from '../hosting.ts'
import { openBundles } from './bundle.ts'
import { serveCloudLinks } from './cloud-links.ts'
import { dueInExperiments } from './due-in-experiments.ts'
import { endNodeDecider } from './end-node.ts'
import { experimentDecider } from './experiment.ts'
import { fetchStep } from './fetch-step.ts'
import { mailer } from './mail.ts'
import { notify } from './notifier.ts'
import { packagerStep } from './packager-step.ts'
import { personDecider } from './person.ts'
import { portalDecider } from './portal.ts'
import { type PortalConfig, policyOf } from './portal-config.ts'
import { pullStep } from './pull-step.ts'
import { openVault, type Vault } from './secrets.ts'
import { serveResults } from './serve-results.ts'
import { shipOverBus, shipStep } from './ship-step.ts'
import { sshMachine } from './ssh-machine.ts'
import { takeSteps } from './take-steps.ts'
import { uploaderStep } from './upload-step.ts'
import { webhook } from './webhook.ts'

/** How many repositories are fetched at once, and for how many experiments things are brought to or from one site at once. */
const fetchedAtOnce = 4
const movedAtOnce = 4

/** Runs the portal: it owns experiments and end nodes, fetches code, ships it, and takes results home. Resolves when it has stopped. */
export const runPortal = (hosting: Hosting, config: PortalConfig, scratch: string): Promise<void> =>
  runAgents(hosting, [portalPart], async (hosted) => {
    const policy = policyOf(config)
    for (const folder of [config.experiments, config.directories])
      if (folder !== undefined) await mkdir(folder, { recursive: true })
    await decide(hosting, hosted, policy)
    const vault = await openVault({ folder: join(config.experiments, '.secrets') })
    const { experiments } = config
    hosted.run(serveResults({ ...hosting, ...hosted, experiments, policy: () => policy }))
    hosted.run(serveCloudLinks(hosting.bus, vault, hosted.signal))
    takeAll(hosting, hosted, config, { scratch, vault })
    hosted.run(notify({ ...hosting, ...hosted, policy: () => policy, ways: waysOf(config) }))
  })

/** Owns what is decided at the portal: what it is itself, its projects' experiments, and the end nodes of its sites. */
const decide = async ({ bus, log }: Hosting, { run, signal }: Hosted, policy: Policy): Promise<void> => {
  const say = (message: string) => log('warn', message)
  const portal = own(bus, portalDecider(bus.principal), addressOfPortal.scope, signal)
  run(portal.served)
  const define = { address: addressOfPortal, type: 'portal.define', data: { policy } }
  await patiently(
    () => portal.handle(addressOfPortal, commandFrom(define, bus.principal)),
    signal,
    (reason) => say(`The portal can't be defined for now: ${reason}`),
  )
  const now = () => policy
  for (const scope of Object.keys(policy.projects)) {
    const owner = own(bus, experimentDecider(now), scope, signal)
    run(owner.served)
    run(tellWhenDue({ bus, owner, scope, dueIn: dueInExperiments, say, signal }))
  }
  run(own(bus, personDecider, 'all', signal).served)
  for (const site of Object.keys(policy.sites)) run(own(bus, endNodeDecider(now), site, signal).served)
}

/** How people can be told of things. */
const waysOf = ({ mail, webhooks }: PortalConfig): Parameters<typeof notify>[0]['ways'] => ({
  ...(mail && { mail: mailer(mail) }),
  webhook: webhook(webhooks),
})

/** Takes the steps that are taken at the portal. */
const takeAll = (
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
  })
  run(takeSteps(given, { where: portalPlace, agent: 'source-fetcher' }, fetch, { concurrency: fetchedAtOnce }))
  const load = uploaderStep({
    experiments: config.experiments,
    directories: config.directories,
    reach: config.uploads,
    vault,
  })
  for (const [site, { ssh, transport, folder, packageBuilder }] of Object.entries(config.sites)) {
    const experiments = join(config.experiments, site)
    const machine = ssh && sshMachine(ssh)
    const reached = machine && { machine, folder }
    const overSsh = transport === 'ssh' ? reached : undefined
    const ship = overSsh ? shipStep({ experiments, ...overSsh }) : shipOverBus({ experiments, bundles })
    const moving = { concurrency: movedAtOnce }
    run(takeSteps(given, { where: site, agent: 'shipper' }, ship, moving))
    if (overSsh) {
      const tell = packagerStep({ bus, ...overSsh, command: packageBuilder })
      run(takeSteps(given, { where: site, agent: 'packager' }, tell, moving))
    }
    run(takeSteps(given, { where: site, agent: 'results-uploader' }, load, moving))
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
