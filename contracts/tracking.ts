import { z } from 'zod'
import { by } from './artifact.ts'
import { type Contract, fact, type MessageOf } from './contract.ts'
import { runName } from './names.ts'

const subject = { run: runName.optional(), by: by.optional() }
const key = z.string().min(1).max(250)

/** What was measured or noted about runs. */
export const trackingEvents = {
  'tracking.metric-logged': fact(
    'A number was measured',
    z.object({ key, value: z.number(), step: z.int().optional(), ...subject }),
  ),
  'tracking.param-logged': fact('A setting was noted', z.object({ key, value: z.json(), ...subject })),
  'tracking.tagged': fact('A run was given a tag', z.object({ key, value: z.string(), ...subject })),
} as const satisfies Contract

export type TrackingEvent = MessageOf<typeof trackingEvents>
