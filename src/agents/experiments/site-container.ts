import { Fault } from '#bus/fault'
import type { SiteConfig } from './site-config.ts'

/** What a container may use on an end node, and what it is given of it, as the site's file says. */
export const containerOn = (config: SiteConfig, node: string | undefined): SiteConfig['container'] => {
  const special = node === undefined ? {} : config.nodes[node]?.container
  if (special === undefined)
    throw new Fault('site.unknown-node', `The file of the site ${config.site} has no node ${node}. Add it, and retry`)
  const given = Object.entries(special).filter(([, value]) => value !== undefined)
  return { ...config.container, ...Object.fromEntries(given) }
}

/** The same, as a Compose file says it. */
export const composeGivenOf = (config: SiteConfig, node?: string) => {
  const { memory, cpus, pids, disk, network, environment, devices, mounts, groups } = containerOn(config, node)
  return {
    limits: { memory, cpus, pids, disk },
    grants: { network, environment, devices, groups, mounts: mounts.map(mountOf) },
  }
}

const mountOf = (text: string): { readonly source: string; readonly target: string } => {
  const [source = '', target = ''] = text.split(':')
  return { source, target }
}
