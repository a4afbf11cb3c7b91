import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { commandFrom, own } from '#bus/command'
import { patiently } from '#bus/patience'
import { portalPart, portalPlace } from '#contracts/experiment-parts'
import { addressOfPortal, mayNotSpeak, type Policy } from '#contracts/portal'
import { tellWhenDue } from '../due.ts'
import { type Hosted, type Hosting, runAgents } from '../hosting.ts'
import { sshMachine } from '../machines/ssh-machine.ts'
import { mailer } from '../notices/mail.ts'
import { notify } from '../notices/notifier.ts'
import { personDecider } from '../notices/person.ts'
import { webhook } from '../notices/webhook.ts'
import { openVault, type Vault } from '../uploads/secrets.ts'
import { openBundles } from './bundle.ts'
import { serveCloudLinks } from './cloud-links.ts'
import { dueInExperiments } from './due-in-experiments.ts'
import { endNodeDecider } from './end-node.ts'
import { experimentDecider } from './experiment.ts'
import { keepFolders } from './experiment-folders.ts'
import { fetchStep } from './fetch-step.ts'
import { goneOf, type NamedBefore, namedBefore, occupantOf, takersAt } from './named-before.ts'
import { packagerStep } from './packager-step.ts'
import { portalDecider } from './portal.ts'
import { type PortalConfig, policyOf } from './portal-config.ts'
import { pullStep } from './pull-step.ts'
import { serveResults } from './serve-results.ts'
import { shipOverBus, shipStep } from './ship-step.ts'
import { type TakeStep, takeSteps } from './take-steps.ts'
import { uploaderStep } from './upload-step.ts'

/** How many repositories are fetched at once, and for how many experiments things are brought to or from one site at once. */
const fetchedAtOnce = 4
const movedAtOnce = 4

/** Hands on the portal's file whenever it has changed, and is read without a mistake. */
export type Changes = (apply: (config: PortalConfig) => Promise<void>) => void

/**
 * Runs the portal: it owns experiments and end nodes, fetches code, ships it, and takes results home. Resolves when it has stopped.
 * Who is who holds anew as soon as its file has changed; what is new of its sites holds from the next start on.
 */
export const runPortal = (
  hosting: Hosting,
  config: PortalConfig,
  {
    scratch,
    changes = () => undefined,
    secured = false,
  }: {
    readonly scratch: string
    readonly changes?: Changes
    /** Whether the bus lets in only those whom it knows: then the file says which web processes speak for others, else any does. */
    readonly secured?: boolean
  },
): Promise<void> =>
  runAgents(hosting, [portalPart], async (hosted) => {
    const { experiments, directories } = config
    for (const folder of [experiments, directories]) if (folder !== undefined) await mkdir(folder, { recursive: true })
    const folders = await keepFolders({ ...hosting, ...hosted, experiments })
    hosted.run(folders.following)
    const portal = openPortal(hosting, hosted)
    const asPolicy = (file: PortalConfig): Policy => ({ ...policyOf(file), ...(secured && { webs: file.webs ?? [] }) })
    await portal.define(asPolicy(config))
    const vault = await openVault({ folder: join(experiments, '.secrets') })
    const { policy } = portal
    hosted.run(serveResults({ ...hosting, ...hosted, experiments, policy }))
    hosted.run(serveCloudLinks(hosting.bus, vault, policy, hosted.signal))
    takeAll(hosting, hosted, config, { scratch, vault })
    await takeLeft(hosting, hosted, goneOf(portal.before(), policy()))
    hosted.run(notify({ ...hosting, ...hosted, policy, ways: waysOf(config) }))
    changes(async (changed) => {
      const isOther = !isDeepStrictEqual({ ...changed, ...who(config) }, { ...config, ...who(config) })
      if (isOther)
        hosting.log('warn', 'Its file says more than who is who anew: start the portal anew, so that all of it holds')
      await portal.define({ ...asPolicy(config), ...who(asPolicy(changed)) })
      hosting.log('info', 'Who is who holds as its file says now')
    })
  })

/** What of a file, or of a policy, says who is who. */
const who = ({
  administrators,
  operators,
  projects,
  webs,
}: Pick<Policy, 'administrators' | 'operators' | 'projects' | 'webs'>) => ({
  administrators,
  operators,
  projects,
  webs,
})

/** Owns what is decided at the portal: what it is itself, its projects' experiments, the end nodes of its sites, and people. */
const openPortal = ({ bus, log }: Hosting, { run, signal }: Hosted) => {
  const say = (message: string) => log('warn', message)
  let now: Policy | undefined
  const policy = (): Policy => now ?? noPolicy
  const unheard = (asker: Parameters<typeof mayNotSpeak>[1]) => mayNotSpeak(policy(), asker)
  const portal = own(bus, portalDecider(bus.principal), addressOfPortal.scope, signal, unheard)
  run(portal.served)
  run(own(bus, personDecider, 'all', signal, unheard).served)
  let known: NamedBefore = { projects: [], sites: [], parts: [] }
  const owned = new Set<string>()
  /** Once for each: told again, it is owned already. */
  const once = (what: string, begin: () => void): void => {
    if (!owned.has(what)) begin()
    owned.add(what)
  }

  /** Records who is who, and decides by it from then on. */
  const define = async (next: Policy): Promise<void> => {
    const command = { address: addressOfPortal, type: 'portal.define', data: { policy: next } }
    await patiently(
      () => portal.handle(addressOfPortal, commandFrom(command, bus.principal)),
      signal,
      (reason) => say(`The portal can't be defined for now: ${reason}`),
    )
    now = next
    known = await patiently(() => namedBefore(bus), signal)
    for (const scope of known.projects)
      once(`project ${scope}`, () => {
        const owner = own(bus, experimentDecider(policy), scope, signal, unheard)
        run(owner.served)
        run(tellWhenDue({ bus, owner, scope, dueIn: dueInExperiments, say, signal }))
      })
    for (const site of known.sites)
      once(`site ${site}`, () => run(own(bus, endNodeDecider(policy), site, signal, unheard).served))
  }
  return { define, policy, before: () => known }
}

/**
 * Takes what is asked of places that were taken out of the portal's file, so that it fails with that as its reason instead of waiting
 * for ever; and says which experiments still have end nodes there.
 */
const takeLeft = async (hosting: Hosting, { outbox, run, signal }: Hosted, gone: readonly string[]): Promise<void> => {
  const nobody: TakeStep = async () => ({ failed: "The portal's file has its place no longer" })
  for (const part of gone) {
    for (const agent of takersAt(part)) run(takeSteps({ ...hosting, outbox, signal }, agent, nobody))
    const experiment = await patiently(() => occupantOf(hosting.bus, part), signal)
    if (experiment !== undefined)
      hosting.log('warn', `The portal's file has no end node ${part} any more; ${experiment} has it until it is over`)
  }
}

/** Before the portal's file holds, nobody may anything. */
const noPolicy: Policy = {
  administrators: [],
  operators: [],
  projects: {},
  portal: [],
  webs: [],
  gitHosts: [],
  gitFolders: [],
  sites: {},
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
    hosts: config.gitHosts,
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
