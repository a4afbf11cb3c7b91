import { z } from 'zod'
import { by } from './artifact.ts'
import { type Contract, fact, type MessageOf } from './contract.ts'
import type { Recorded } from './envelope.ts'
import { name, runName } from './names.ts'

const subject = {
  run: runName.optional(),
  pipeline: name
    .optional()
    .describe('Of which pipeline it is, where that is not the one of its run: then it is of no run'),
  by: by.optional(),
}
const key = z.string().min(1).max(250)

/** A number; JSON has no word for three of them, and a loss that is none is what its reader must see. */
export const measurement: z.ZodType<number | 'NaN' | 'Infinity' | '-Infinity'> = z
  .union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])])
  .describe('A number, or what JSON has no number for')

/** A number as it is recorded. */
export const measured = (value: number): z.infer<typeof measurement> =>
  Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity')

/** What was measured or noted about runs. */
export const trackingEvents = {
  'tracking.metric-logged': fact(
    'A number was measured',
    z.object({ key, value: measurement, step: z.int().optional(), ...subject }),
    {
      version: 2,
      upcast: {
        // Version 1 knew numbers alone.
        1: (data: Readonly<Record<string, unknown>>) => data,
      },
    },
  ),
  'tracking.param-logged': fact('A setting was noted', z.object({ key, value: z.json(), ...subject })),
  'tracking.tagged': fact('A run was given a tag', z.object({ key, value: z.string(), ...subject })),
} as const satisfies Contract

export type TrackingEvent = MessageOf<typeof trackingEvents>

type Noted = Pick<TrackingEvent['data'], keyof typeof subject>

/** What something noted is about: the run that it names, or else the pipeline, or the one that it was posted to. */
export const aboutOf = ({ address, data }: Pick<Recorded<string, Noted>, 'address' | 'data'>) => {
  const run = data.run ?? (data.pipeline === undefined ? data.by?.run : undefined)
  return { run: run ?? null, pipeline: run?.split('/')[0] ?? data.pipeline ?? address.scope }
}
