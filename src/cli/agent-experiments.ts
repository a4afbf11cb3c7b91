import { unwatchFile, watchFile } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Changes } from '#agents/experiments/portal-host'
import { Fault, reasonOf } from '#bus/fault'
import { asHost, type HostingOptions, type Started, withHosting } from './hosting.ts'

/** What only these verbs load: ssh, Docker, and all that goes with them. */
const load = {
  files: () => import('#agents/experiments/host-file'),
  portal: () => import('#agents/experiments/portal-host'),
  site: () => import('#agents/experiments/site-host'),
  node: () => import('#agents/experiments/end-node-host'),
}

/** Reads the portal's file anew whenever it has changed; one with a mistake is told of, and what was read last goes on holding. */
const changesOf =
  (file: string, { log, signal }: Started): Changes =>
  (apply) => {
    const path = resolve(file)
    const changed = async () => {
      const config = await (await load.files()).readPortalFile(path)
      await apply(config)
    }
    const told = () =>
      void changed().catch((cause: unknown) => log('warn', `${reasonOf(cause)}. Until then, what it said before holds`))
    watchFile(path, { interval: 1_000, persistent: false }, told)
    told() // It may have changed since it was read: the bus may have been waited for.
    signal.addEventListener('abort', () => unwatchFile(path, told), { once: true })
  }

/** Says of what is denied to whoever runs a file that its credentials may have been written for another one. */
const deniedBy = (file: string, what: string, certs: string) => (cause: unknown) => {
  if (!(cause instanceof Fault) || cause.code !== 'bus.denied') throw cause
  throw new Fault(
    'bus.denied',
    `${cause.message}\n${file} names ${what}; these credentials were not written for that. Correct it there, or have them written anew: millrace certs ${certs} --force`,
    { cause },
  )
}

/** Agents of experiments: the portal, one site server per site, and end nodes that run an agent of their own. */
export const experimentAgents = (agent: Command): void => {
  withHosting(agent.command('portal <file>'), 'that which the file says')
    .description('run the portal: it decides about experiments, fetches and ships code, and takes results home')
    .addHelpText('after', '\nExample:\n  millrace agent portal portal.yaml')
    .action(async (file: string, options: HostingOptions) => {
      const config = await (await load.files()).readPortalFile(file)
      const { runPortal } = await load.portal()
      await asHost(options, config.name, (started) =>
        runPortal(started, config, { ...started, changes: changesOf(file, started) }),
      )
    })

  withHosting(agent.command('site <file>'), 'that of the site')
    .description('run a site server: it builds and pushes images, delivers to end nodes, and collects their results')
    .addHelpText('after', '\nExample:\n  millrace agent site north.yaml --creds north.creds.json')
    .action(async (file: string, options: HostingOptions) => {
      const config = await (await load.files()).readSiteFile(file)
      const { runSite } = await load.site()
      const { site, name = site, nodes } = config
      const what = [
        'the site',
        site,
        ...(Object.keys(nodes).length > 0 ? ['with', Object.keys(nodes).join(', ')] : []),
      ].join(' ')
      await asHost(options, name, (started) =>
        runSite(started, config, started.scratch).catch(deniedBy(file, what, `site ${started.host} --config ${file}`)),
      )
    })

  withHosting(agent.command('end-node <file>'), '<site>-<node>')
    .description('run the agent of an end node: it runs experiments under the control module')
    .addHelpText('after', '\nExample:\n  millrace agent end-node rover.yaml --creds rover.creds.json')
    .action(async (file: string, options: HostingOptions) => {
      const config = await (await load.files()).readEndNodeFile(file)
      const { runEndNode } = await load.node()
      const { site, node, name = `${site}-${node}` } = config
      const certs = (host: string) => `end-node ${host} --site ${site} --node ${node}`
      await asHost(options, name, (started) =>
        runEndNode(started, config, started.scratch).catch(deniedBy(file, `${site}/${node}`, certs(started.host))),
      )
    })
}
