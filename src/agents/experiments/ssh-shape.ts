import { z } from 'zod'
import { exact } from '#contracts/fields'

/** How a machine is reached over ssh; what is left out is what the user's ssh_config says of the host. */
export const sshShape = exact({
  host: z.string().min(1).describe('A name or address, or a Host of the ssh_config'),
  port: z.int().min(1).max(65_535).optional(),
  user: z.string().min(1).optional(),
  identityFile: z.string().min(1).optional(),
  knownHosts: z.string().min(1).optional(),
  noticedWithin: z
    .number()
    .positive()
    .optional()
    .describe('Seconds without a sign of life until it counts as away; 20'),
  config: z.string().min(1).optional().describe("An ssh_config in place of the user's"),
})

/** How things travel between two machines: by rsync over ssh, or through buckets of the bus. */
export const transport = z.enum(['ssh', 'bus'])

/** Words of a command line; none of them is taken apart by a shell. */
export const words = z.array(z.string().min(1)).min(1)
