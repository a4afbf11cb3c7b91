import { z } from 'zod'
import { type Contract, fact, type MessageOf } from './contract.ts'
import { name, part } from './names.ts'

/** What has happened to hosts. That one is away is presence, not history: it is seen by a beat that is missing. */
export const hostEvents = {
  'host.started': fact(
    'A process took its name and runs these nodes',
    z.object({
      host: name,
      instance: z.string(),
      machine: z.string(),
      pid: z.int(),
      version: z.string(),
      nodes: z.array(part),
    }),
  ),
  'host.stopped': fact('A process drained and gave its name back', z.object({ host: name, instance: z.string() })),
} as const satisfies Contract

export type HostEvent = MessageOf<typeof hostEvents>

/** A pipeline that nobody runs any more, and since when. */
export type Idle = { readonly pipeline: string; readonly since: string }
