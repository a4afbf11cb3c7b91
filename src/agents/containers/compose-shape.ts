import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { exact } from '#contracts/fields'
import { count, name } from '#contracts/names'

/** Such as `registry.example.org:5000/rover@sha256:…`: the one image that was built, whatever is called so later. */
const pinned =
  /^[a-z\d](?:[a-z\d.-]*[a-z\d])?(?::\d{1,5})?(?:\/[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*)+@sha256:[\da-f]{64}$/

const plain = z
  .string()
  .max(4_096)
  .regex(/^\P{Cc}*$/u, 'expected a text without control characters')

const path = plain.refine(
  (given) => isAbsolute(given) && normalize(given) === given && given !== '/',
  'expected an absolute path, as /etc/sensor',
)

/** In the container, what an experiment itself needs must not be covered. */
const target = path.refine(
  (given) => !/^\/(?:(?:results|tmp|proc|experiment)(?:\/|$)|(?:dev|sys)$)/.test(given),
  'expected a path outside of /results, /tmp, /proc and /experiment',
)

const device = path.regex(/^\/dev\/[\w./@+-]+$/, 'expected a device, as /dev/ttyUSB0')

const own = ['MILLRACE_EXPERIMENT', 'MILLRACE_ATTEMPT', 'MILLRACE_SITE', 'MILLRACE_NODE']

const environment = z.record(
  z
    .string()
    .regex(/^[A-Za-z_]\w{0,127}$/, 'use letters, digits and _')
    .refine((key) => !own.includes(key), 'this one is set by the experiment itself'),
  plain,
)

/** What a run may use at most: memory, and the size of one file it writes, in bytes; cpus as one and a half. */
const runLimits = exact({
  memory: z.int().min(6 * 1024 ** 2, 'expected at least 6 MiB, in bytes'),
  cpus: z.number().min(0.01).max(1_024),
  pids: z.int().min(1).max(1_000_000),
  disk: z.int().min(1),
})
export type RunLimits = z.output<typeof runLimits>

/** What a site lets the experiments on its nodes have beside that. */
const nodeGrants = exact({
  environment: environment.default({}),
  /** Passed into the container under the same name, to be read and written. */
  devices: z.array(device).max(100).default([]),
  /** Files and folders of the node that can be read, as that of a sensor. */
  mounts: z
    .array(exact({ source: path, target }))
    .max(100)
    .default([]),
  network: z.enum(['none', 'bridge']).default('none'),
  /** Numbers of the node's groups that the code belongs to, so that it may use a device of theirs. */
  groups: z.array(z.int().min(0).max(4_294_967_294)).max(32).default([]),
})
/** All that a Compose file is made of. */
export const composeGiven = exact({
  experiment: name,
  attempt: count,
  site: name,
  /** Left out where several nodes are meant: whoever runs it there says which. */
  node: name.optional(),
  image: z.string().max(500).regex(pinned, 'expected an image by its digest, as registry:5000/name@sha256:…'),
  limits: runLimits,
  grants: nodeGrants.prefault({}),
  /** How long the code has to end by itself once it is told to, in seconds. */
  grace: z.int().min(0).max(600).default(10),
})
