import { z } from '@hono/zod-openapi'
import type { Line, Printed } from '#bus/bus'
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
})
export type ShownLine = z.output<typeof line>

/** Lines as a text that is kept. */
export const textOf = (lines: readonly ShownLine[]): string =>
  lines.map(({ at, level, text }) => `${at} ${level} ${text}\n`).join('')

/** The lines that are meant, of those that lie at one place. */
export const linesOf = (
  { place, part: of, attempt, delivery, lines }: Printed,
  { attempt: only, level }: z.output<typeof choice>,
): ShownLine[] => {
  if (only !== undefined && attempt !== only) return []
  const least = level === undefined ? 0 : levels.indexOf(level)
  return lines
    .filter((one) => levels.indexOf(one.level) >= least)
    .map((one: Line) => ({ place, ...one, at: new Date(one.at).toISOString(), part: of, attempt, delivery }))
}
