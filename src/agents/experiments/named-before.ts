import type { Bus } from '#bus/bus'
import { knownIn } from '#contracts/all'
import { partOfSite, placeOfPart } from '#contracts/experiment-parts'
import { addressOfPortal, type Policy, type PortalEvent, whyGone } from '#contracts/portal'
import { endNodeOf } from './end-node.ts'
import { addressOfNode } from './place-nodes.ts'

/** What the portal's file has named at any time: what was taken out may have experiments still, and somebody is to decide for these. */
export type NamedBefore = {
  readonly projects: readonly string[]
  readonly sites: readonly string[]
  /** Each site as a whole, and each of its end nodes. */
  readonly parts: readonly string[]
}

/** All that the log knows the portal's file to have named. */
export const namedBefore = async (bus: Pick<Bus, 'read'>): Promise<NamedBefore> => {
  const { events } = await bus.read(addressOfPortal)
  const all = events.flatMap((event) => knownIn<PortalEvent>(event)?.data.policy ?? [])
  const sites = all.flatMap((policy) => Object.entries(policy.sites))
  return {
    projects: distinct(all.flatMap(({ projects }) => Object.keys(projects))),
    sites: distinct(sites.map(([site]) => site)),
    parts: distinct(
      sites.flatMap(([site, { nodes }]) => [partOfSite(site), ...Object.keys(nodes).map((node) => `${site}/${node}`)]),
    ),
  }
}

/** What of it a policy names no longer. */
export const goneOf = ({ parts }: NamedBefore, policy: Policy): readonly string[] =>
  parts.filter((part) => whyGone(policy, part) !== undefined)

/** Who takes steps at a part: where nobody is left to, they are to be failed there. */
export const takersAt = (part: string): readonly { readonly where: string; readonly agent: string }[] => {
  const { site: where, node } = placeOfPart(part)
  const agents =
    node === undefined
      ? ['shipper', 'packager', 'site-server', 'results-prober', 'results-uploader', 'results-puller']
      : ['deliver', 'run', 'collect'].map((step) => `${step}-${node}`)
  return agents.map((agent) => ({ where, agent }))
}

/** The experiment that has an end node, if one has. */
export const occupantOf = async (bus: Pick<Bus, 'read'>, part: string): Promise<string | undefined> =>
  placeOfPart(part).node === undefined ? undefined : endNodeOf((await bus.read(addressOfNode(part))).events).experiment

const distinct = (all: readonly string[]): readonly string[] => [...new Set(all)]
