import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { Fault, reasonOf } from '#bus/fault'
import { type PortalConfig, portalConfig } from './portal-config.ts'
import { type EndNodeConfig, endNodeConfig, type SiteConfig, siteConfig } from './site-config.ts'
import { parseShaped } from './yaml-shape.ts'

/** How many names and values a host's file may hold. */
const mostValues = 100_000

const read = async <Shape extends z.ZodType>(path: string, shape: Shape, example: string): Promise<z.output<Shape>> => {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new Fault('config.missing', `${path} can't be read: ${reasonOf(cause)}`, { cause })
  })
  return parseShaped(shape, bytes, { name: basename(path), code: 'config.wrong', example, mostValues })
}

type Ssh = NonNullable<PortalConfig['sites'][string]['ssh']>

/** Paths begin where the file lies; what ssh understands itself, as `~`, is left to it. */
const placed = (path: string) => {
  const folder = dirname(resolve(path))
  const here = (given: string): string => resolve(folder, given)
  const file = (given: string | undefined) =>
    given === undefined || given.startsWith('~') || given.startsWith('%') ? given : here(given)
  const ssh = <Given extends Ssh | undefined>(given: Given): Given =>
    given && {
      ...given,
      ...(given.identityFile !== undefined && { identityFile: file(given.identityFile) }),
      ...(given.knownHosts !== undefined && { knownHosts: file(given.knownHosts) }),
      ...(given.config !== undefined && { config: file(given.config) }),
    }
  return { here, ssh }
}

const mapped = <Value, To>(all: Readonly<Record<string, Value>>, change: (value: Value) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(all).map(([key, value]) => [key, change(value)]))

/** The portal's file. Rejects with a fault that tells each mistake with its line. */
export const readPortalFile = async (path: string): Promise<PortalConfig> => {
  const config = await read(path, portalConfig, 'projects: { rover: { members: [carol] } }\nsites: {}')
  const { here, ssh } = placed(path)
  return {
    ...config,
    experiments: here(config.experiments),
    ...(config.directories !== undefined && { directories: here(config.directories) }),
    ...(config.git && { git: mapped(config.git, here) as NonNullable<PortalConfig['git']> }),
    gitFolders: config.gitFolders.map(here),
    sites: mapped(config.sites, (site) => ({ ...site, ssh: ssh(site.ssh) })),
  }
}

/** A site server's file, likewise. */
export const readSiteFile = async (path: string): Promise<SiteConfig> => {
  const config = await read(path, siteConfig, 'site: north\nregistry: 127.0.0.1:5000\nnodes: {}')
  const { here, ssh } = placed(path)
  return {
    ...config,
    experiments: here(config.experiments),
    nodes: mapped(config.nodes, (node) => ({ ...node, ssh: ssh(node.ssh) })),
  }
}

/** An end node's file, likewise. */
export const readEndNodeFile = (path: string): Promise<EndNodeConfig> =>
  read(path, endNodeConfig, 'site: north\nnode: one')
