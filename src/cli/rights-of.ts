import type { Role, Wanted } from '#bus/permissions'
import { readConfig } from './config.ts'

/** What somebody may do: as a host, what its configs need, or anything that a host does. */
export const rightsOf = async (
  role: Role,
  principal: string,
  {
    config: configs,
    site,
    node,
    bucket,
  }: {
    readonly config: readonly string[]
    readonly site?: string | undefined
    readonly node?: string | undefined
    readonly bucket?: boolean | undefined
  },
): Promise<Wanted[]> => {
  if (role === 'script') return [{ role, principal, ...(bucket && { bucket }) }]
  if (role === 'site') return [{ role, principal, ...(await siteOf(configs[0], site ?? principal)) }]
  if (role === 'end-node') return [{ role, principal, pipeline: site ?? '', agents: [node ?? ''] }]
  const pipelines = (await Promise.all(configs.map((config) => readConfig(config)))).flat()
  if (pipelines.length === 0) return [{ role, principal }]
  return pipelines.map(({ name: pipeline, stores, actions }) => ({
    role,
    principal,
    pipeline,
    agents: Object.keys(actions),
    stores: Object.keys(stores),
  }))
}

/** A site, and its end nodes as far as its file says them. */
const siteOf = async (file: string | undefined, site: string): Promise<Pick<Wanted, 'pipeline' | 'agents'>> => {
  if (file === undefined) return { pipeline: site }
  const { readSiteFile } = await import('#agents/experiments/host-file')
  const { nodes, ...config } = await readSiteFile(file)
  return { pipeline: config.site, agents: Object.keys(nodes) }
}
