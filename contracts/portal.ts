import { z } from 'zod'
import { type CommandContract, type Contract, command, decided, type MessageOf } from './contract.ts'
import { placeOfPart, portalPlace, wholePlace } from './experiment-parts.ts'
import { called, name } from './names.ts'

const people = z.array(name, 'expected a list of names, as [ada, olga]').default([])

/** What a site has of end nodes, and who may say how their steps end. */
export const endNodeShape = z.object({
  type: z.string().min(1).max(64),
  capabilities: z.array(z.string().max(64)).default([]),
  agent: name.optional().describe('The host that runs its own agent; without one, its site server drives it over ssh'),
})

/** End nodes by their names. */
export const nodesOf = <Node extends z.ZodType>(node: Node) =>
  z.record(name, node).refine((nodes) => !Object.hasOwn(nodes, wholePlace), {
    error: `no end node can be called '${wholePlace}': that stands for the site as a whole`,
  })

/** A site, as rights and guards see it. */
export const siteShape = z.object({
  server: name.describe('The host that is its site server'),
  builder: z
    .enum(['site-server', 'command'])
    .default('site-server')
    .describe('command: the portal tells it over ssh to build'),
  nodes: nodesOf(endNodeShape),
})

/** A project, and who makes experiments in it. */
export const projectShape = z.object({
  members: people,
  approval: z.boolean().default(false).describe('Whether an administrator approves each experiment first'),
})

/**
 * Who is who, and what there is: what an experiment's rights and guards are decided by. Whoever is not named here may nothing.
 * What a later version says besides is passed over, as in every event; the portal's file has no field that is not known.
 */
export const policy = z.object({
  administrators: people,
  operators: people,
  projects: z.record(name, projectShape),
  portal: z.array(name).default(['portal']).describe('The hosts that are the portal'),
  webs: z
    .array(name)
    .optional()
    .describe(
      'The hosts whose web processes may speak for whoever signs in to them; those of any host where it is not said',
    ),
  gitHosts: z
    .array(z.string().max(300))
    .default([])
    .describe("Hosts that code may come from; '*' for all that are public"),
  gitFolders: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe("Folders of the portal's machine that it may come from"),
  sites: z.record(name, siteShape).refine((sites) => !Object.hasOwn(sites, portalPlace), {
    error: `no site can be called '${portalPlace}'`,
  }),
})
export type Policy = z.output<typeof policy>

/**
 * Why a web process may not speak for somebody, and what to do; undefined where it may. Whoever has the credentials of a host with a
 * web process could speak for everybody otherwise.
 */
export const mayNotSpeak = (
  { webs }: Pick<Policy, 'webs'>,
  { principal, onBehalfOf }: { readonly principal: string; readonly onBehalfOf?: string | undefined },
): string | undefined => {
  const host = principal.replace(/^web-/, '')
  if (onBehalfOf === undefined || webs === undefined || webs.includes(host)) return undefined
  return `${principal} may not speak for ${onBehalfOf} here. Where it is trusted with that, write in the portal's file, portal.yaml: webs: [${[...webs, host].join(', ')}]`
}

/** Why nothing is to be done at a part any longer: its site, or its end node, was taken out. Undefined where it is there. */
export const whyGone = ({ sites }: Pick<Policy, 'sites'>, part: string): string | undefined => {
  const { site, node } = placeOfPart(part)
  if (site === portalPlace) return undefined
  const there = called(sites, site)
  if (there && (node === undefined || called(there.nodes, node))) return undefined
  const what = there ? `end node '${node}' at the site '${site}'` : `site '${site}'`
  return `The portal's file has no ${what} any more: put it back there and retry, or terminate the experiment`
}

/** Where it is decided what a portal is. There is one in a log. */
export const addressOfPortal = { aggregate: 'portal', scope: 'all', key: 'self' } as const

/** What has happened to the portal. */
export const portalEvents = {
  'portal.defined': decided('Its file says who is who, and which sites there are', z.object({ policy })),
} as const satisfies Contract

export type PortalEvent = MessageOf<typeof portalEvents>

/** What can be asked of the portal. */
export const portalCommands = {
  'portal.define': command('Say who is who, and which sites there are, as its file does', z.object({ policy })),
} as const satisfies CommandContract

export type PortalCommand = MessageOf<typeof portalCommands>
