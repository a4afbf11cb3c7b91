import { z } from 'zod'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { endNodeShape, nodesOf, type Policy, policy, projectShape, siteShape } from '#contracts/portal'
import { sshShape, transport, words } from './ssh-shape.ts'

const mebibyte = 1024 ** 2

/** A site as the portal sees it: who is there, and how it is reached. */
const reachedSite = exact({
  server: siteShape.shape.server,
  nodes: nodesOf(exact(endNodeShape.shape)),
  transport: transport.default('ssh'),
  ssh: sshShape.optional().describe('How its site server is reached; needed where transport is ssh'),
  folder: z.string().min(1).default('/experiments').describe('Where the site server keeps experiments'),
  packageBuilder: words
    .refine((all) => all.some((word) => word.includes('{id}')), 'expected {id} among its words: the experiment')
    .default(['millrace', 'package-builder', '--pkg', '{id}', '--site', '{site}', '--as', '{server}', '--detach'])
    .describe(
      'What it is told over ssh to build: {id}, {site}, {server} and {folder} stand for those of the experiment',
    ),
}).refine(({ transport, ssh }) => transport === 'bus' || ssh !== undefined, {
  path: ['ssh'],
  error: "is missing: say how the site server is reached, or set 'transport: bus'",
})

/** As it stands in a link: without a scheme, a user, or a port. */
const gitHost = z
  .string()
  .toLowerCase()
  .regex(
    /^(\*|\[[\da-f:.]+\]|[\w.-]+)$/,
    "expected the name of a host, as git.example.org, or '*' for all that are public",
  )

/** The portal's file: who is who, which sites there are, and how they are reached. */
export const portalConfig = exact({
  ...policy.omit({ sites: true, portal: true }).shape,
  projects: z.record(name, exact(projectShape.shape)),
  gitHosts: z.array(gitHost).default([]),
  name: name.default('portal').describe('The name of its host'),
  portal: z.array(name).optional().describe('All hosts that are the portal, where there are several'),
  experiments: z.string().min(1).default('/experiments').describe('Where it keeps experiments'),
  directories: z
    .string()
    .min(1)
    .optional()
    .describe('The folder in which results may be laid down, for links of kind directory'),
  git: exact({ identityFile: z.string().min(1), knownHosts: z.string().min(1) })
    .optional()
    .describe('What git shows to hosts that are reached over ssh'),
  source: exact({
    bytes: z
      .int()
      .positive()
      .default(1024 * mebibyte),
    files: z.int().positive().default(50_000),
  })
    .prefault({})
    .describe('How large a repository may be'),
  uploads: exact({ privateHosts: z.array(z.string()).default([]), ownKeys: z.boolean().default(false) })
    .prefault({})
    .describe(
      "Hosts of a private network that results may be sent to; and whether links to S3 may use the portal's own keys",
    ),
  mail: exact({ smtp: z.string().min(1), from: z.string().min(1) })
    .optional()
    .describe('How mail is sent: smtp://host:port, and the address that it is from'),
  webhooks: exact({ key: z.string().min(16).optional(), privateHosts: z.array(z.string()).default([]) })
    .prefault({})
    .describe('The key that notices are signed with, and hosts of a private network that may be told'),
  sites: z.record(name, reachedSite),
})
export type PortalConfig = z.output<typeof portalConfig>

/** What an experiment's rights and guards are decided by, as the portal's file says. */
export const policyOf = ({ name: own, portal = [own], sites, ...config }: PortalConfig): Policy =>
  policy.parse({
    administrators: config.administrators,
    operators: config.operators,
    projects: config.projects,
    webs: config.webs,
    gitHosts: config.gitHosts,
    gitFolders: config.gitFolders,
    portal,
    sites: Object.fromEntries(
      Object.entries(sites).map(([site, { server, nodes, transport }]) => [
        site,
        { server, nodes, builder: transport === 'ssh' ? 'command' : 'site-server' },
      ]),
    ),
  })
