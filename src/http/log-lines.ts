import { z } from '@hono/zod-openapi'
import type { Line, Printed } from '#bus/bus'
import { step } from '#contracts/experiment-parts'
import { exact } from '#contracts/fields'
import { name, part } from '#contracts/names'
import { digits } from './asked.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const

/** Of which run the lines are, and which of them are meant. */
export const params = z.object({ pipeline: name, run: digits })
export const choice = exact({
  node: part.optional().describe('Only what this node printed'),
  attempt: digits.optional(),
  level: z.enum(levels).optional().describe('Only lines of this level, or a graver one'),
})
/** The same of an experiment, whose parts take steps. */
export const choiceOfSteps = exact({
  part: part.optional().describe('Only what was printed for this part'),
  step: step.optional().describe('Only what was printed in this step'),
  attempt: choice.shape.attempt,
  level: choice.shape.level,
})

/** Which lines of a printer are meant. */
export type Chosen = {
  readonly attempt?: number | undefined
  readonly step?: string | undefined
  readonly level?: Line['level'] | undefined
}

/** A line as it is shown: with who printed it. */
export const line = z.object({
  place: z.int().describe('Where it lies; several lines may lie at one place'),
  at: z.string(),
  level: z.enum(levels),
  text: z.string(),
  more: z.record(z.string(), z.unknown()).optional(),
  part,
  attempt: z.int(),
  delivery: z.int(),
  step: z.string().optional().describe('The step in which it was printed, where its part takes several'),
})
export type ShownLine = z.output<typeof line>

/** Lines as a text that is kept. */
export const textOf = (lines: readonly ShownLine[]): string =>
  lines.map(({ at, level, text }) => `${at} ${level} ${text}\n`).join('')

/** The lines that are meant, of those that lie at one place. */
export const linesOf = (
  { place, part: of, attempt, delivery, step: taken, lines }: Printed,
  { attempt: only, step: onlyStep, level }: Chosen,
): ShownLine[] => {
  if (only !== undefined && attempt !== only) return []
  if (onlyStep !== undefined && taken !== onlyStep) return []
  const least = level === undefined ? 0 : levels.indexOf(level)
  const printer = { part: of, attempt, delivery, ...(taken !== undefined && { step: taken }) }
  return lines
    .filter((one) => levels.indexOf(one.level) >= least)
    .map((one: Line) => ({ place, ...one, at: new Date(one.at).toISOString(), ...printer }))
}
