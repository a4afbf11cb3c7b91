import { z } from 'zod'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { within } from './next-steps.ts'
import { sshShape, transport } from './ssh-shape.ts'

const mebibyte = 1024 ** 2

/** An experiment waits no longer for a build. */
const maxBuildMinutes = within.build / 60_000

/** Where a Docker engine listens. */
const engine = z.string().regex(/^(unix:\/\/\/|tcp:\/\/)/, 'expected unix:///path or tcp://host:port')

const given = {
  memory: z
    .int('expected bytes, as 268435456')
    .min(6 * mebibyte, `expected at least ${6 * mebibyte} bytes: Docker gives no container less`)
    .describe('Bytes'),
  cpus: z.number().positive(),
  pids: z.int().positive(),
  disk: z.int().positive().describe('Bytes of results'),
  files: z.int().positive().describe('How many files its results may have'),
  network: z.enum(['none', 'bridge']),
  environment: z.record(z.string(), z.string()),
  devices: z.array(z.string()).describe('As /dev/ttyUSB0'),
  mounts: z
    .array(z.string().regex(/^\/[^:]*:\/[^:]*$/, 'expected /path/there:/path/inside'))
    .describe('Read only, as /sys/sensor:/sensor'),
  groups: z.array(z.int().nonnegative()).describe("Numbers of the node's groups that the code belongs to"),
}

/** What a container may use, and what it is given of the machine it runs on. */
const container = exact({
  memory: given.memory.default(1024 * mebibyte),
  cpus: given.cpus.default(2),
  pids: given.pids.default(256),
  disk: given.disk.default(10 * 1024 * mebibyte),
  files: given.files.default(100_000),
  network: given.network.default('none'),
  environment: given.environment.default({}),
  devices: given.devices.default([]),
  mounts: given.mounts.default([]),
  groups: given.groups.default([]),
})

/** Names that a Dockerfile can declare. */
const argumentName = z.string().regex(/^[A-Za-z_]\w*$/, 'expected letters, digits and _')

/** What building an image is given, and what it may take of the site server's machine. */
const build = exact({
  memory: z
    .int()
    .positive()
    .default(4 * 1024 * mebibyte)
    .describe('Bytes, of each step'),
  cpus: z.number().min(0.01).default(2),
  minutes: z.number().positive().max(maxBuildMinutes).default(maxBuildMinutes),
  size: z
    .int()
    .positive()
    .default(10 * 1024 * mebibyte)
    .describe('Bytes of the image: a larger one is not pushed'),
  arguments: z
    .record(argumentName, z.string().max(2_000))
    .default({})
    .describe(
      'Such as HTTPS_PROXY, or PIP_INDEX_URL for what pip installs: no secrets, for whoever has the image can read them',
    ),
})

const registryPatience = z
  .int()
  .positive()
  .optional()
  .describe('Milliseconds for which a registry that does not answer is tried again')

/** An end node that a site server delivers to, and drives where it has no agent of its own. */
const reachedNode = exact({
  transport: transport.default('ssh'),
  ssh: sshShape.optional(),
  agent: z.boolean().default(false).describe('Whether it runs its own agent'),
  folder: z.string().min(1).default('~').describe('Where its experiments lie'),
  engine: engine.optional().describe('Of the node, as it is told there'),
  // Without defaults: what a node does not say is as its site says it.
  container: exact(given).partial().default({}).describe('What is different on this node'),
})
  .refine(({ transport, ssh }) => transport === 'bus' || ssh !== undefined, {
    path: ['ssh'],
    error:
      "is missing: say how the node is reached, or set 'transport: bus' and 'agent: true' for it, where its own agent is on the bus",
  })
  .refine(({ transport, agent }) => transport === 'ssh' || agent, {
    path: ['agent'],
    error: 'expected true: without ssh, only an agent of its own can run anything there',
  })

/** A site server's file. */
export const siteConfig = exact({
  site: name,
  name: name.optional().describe('The name of its host; that of the site unless said'),
  experiments: z.string().min(1).default('/experiments'),
  transport: transport.default('ssh').describe('How results travel to the portal'),
  engine: engine.default('unix:///var/run/docker.sock'),
  registry: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]*(:\d{1,5})?$/, 'expected host:port')
    .describe('Of the site: images are pushed there, and nodes pull from it'),
  base: z.string().min(1).default('python:3.12-slim').describe('The image that a generated Dockerfile begins with'),
  buildNetwork: z
    .enum(['none', 'bridge', 'host'])
    .default('bridge')
    .describe('What the steps of a build can reach: none where nothing is installed'),
  build: build.prefault({}),
  registryPatience,
  container: container.prefault({}),
  nodes: z.record(name, reachedNode),
})
export type SiteConfig = z.output<typeof siteConfig>

/** An end node's file, where it runs its own agent. */
export const endNodeConfig = exact({
  site: name,
  node: name,
  name: name.optional().describe('The name of its host; <site>-<node> unless said'),
  folder: z.string().min(1).default('~'),
  transport: transport.default('ssh').describe('How results travel to its site server'),
  engine: engine.optional(),
  registryPatience,
  container: container.pick({ disk: true, files: true }).prefault({}),
})
export type EndNodeConfig = z.output<typeof endNodeConfig>
