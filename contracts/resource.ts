import { z } from 'zod'
import { exact } from './fields.ts'
import { name } from './names.ts'

/** A word or a few, as they stand on a button. */
const short = z
  .string()
  .regex(/^[\p{L}\p{N}](?:[\p{L}\p{N} ._+-]{0,62}[\p{L}\p{N}+])?$/u, 'use 1 to 64 letters, digits, spaces and . _ - +')

/** A list in which nothing stands twice: what does is told where it stands again. */
const unique = (item: z.ZodType<string, string>, least: number, most: number, what: string) =>
  z
    .array(item, { error: ({ input }) => told(input, `expected ${least} to ${most} ${what} in a list`) })
    .min(least, `expected ${least} to ${most} ${what}`)
    .max(most, `expected at most ${most} ${what}`)
    .superRefine((items, { addIssue }) => {
      for (const [at, one] of items.entries())
        if (items.indexOf(one) < at) addIssue({ code: 'custom', path: [at], message: `'${one}' is there twice` })
    })

/** What was expected, with what was given instead. */
const told = (input: unknown, expected: string): string => {
  if (input === undefined) return `is missing; ${expected}`
  return `${expected}; received ${typeof input === 'object' ? 'something else' : `'${String(input)}'`}`
}

const within = (kind: 'a whole number' | 'a number', least: number, most: number) => {
  const error = ({ input }: { readonly input?: unknown }) => told(input, `expected ${kind} from ${least} to ${most}`)
  return (kind === 'a number' ? z.number({ error }) : z.int({ error })).min(least, { error }).max(most, { error })
}

/** What an experiment needs to run on: of which kind, how many, where, and for how long. The document its user fills in. */
export const resourceDefinition = exact({
  nodeType: short.describe('The kind of end node, as Rover'),
  capabilities: unique(short, 0, 50, 'capabilities').default([]).describe('What each end node must have, as lidar'),
  count: within('a whole number', 1, 100).default(1).describe('End nodes at each site'),
  sites: unique(name, 1, 20, 'sites').describe('The names of the sites it runs at'),
  hours: within('a number', 1, 12).describe('How long a run may take at most, in hours'),
})

/** A resource definition as it is kept: complete. */
export type ResourceDefinition = z.output<typeof resourceDefinition>
