import { z } from 'zod'
import { count, part } from './names.ts'

/** Which run is repeated, and how much of it. */
export const repetition = z.object({
  run: count,
  from: z
    .union([z.literal('start'), z.literal('failed'), z.array(part).min(1)])
    .describe('start: all of it; failed: what did not succeed; or these nodes; and all that is behind them'),
  definition: z.enum(['old', 'present']).describe('Which graph: the one that run had, or the one there is now'),
})
export type Repetition = z.infer<typeof repetition>

/** A repetition as it is asked for: all of the run, as it is defined now, unless said otherwise. */
export const repetitionAsked = repetition.extend({
  from: repetition.shape.from.default('start'),
  definition: repetition.shape.definition.default('present'),
})

/** What a repeated run would be: asked before it is begun, so it can have changed by then. */
export const preview = z.discriminatedUnion('possible', [
  z.object({ possible: z.literal(false), reason: z.string() }),
  z.object({
    possible: z.literal(true),
    nodes: z.array(
      z.object({
        part,
        kind: z.string(),
        reused: count.nullable().describe('The run whose results stand for it; null where it is executed'),
        reason: z.string(),
      }),
    ),
  }),
])
export type Preview = z.infer<typeof preview>
