import { z } from 'zod'
import { problemsOf } from '#contracts/all'
import { exact } from '#contracts/fields'
import { nearest } from '#contracts/nearest'
import { measurement } from '#contracts/tracking'
import { tags } from './asked.ts'

const text = (most = Number.POSITIVE_INFINITY) =>
  z.string().min(1, 'expected a text that is not empty').max(most, `expected ${most} characters at most`)
const key = text(250)
const path = text(4096)
const value = z.union([z.number(), measurement], {
  error: ({ input }) => (input === undefined ? undefined : 'expected a number, NaN, Infinity or -Infinity'),
})

/**
 * What a program says of itself, one JSON object in a line of its standard output, told from its log by the member
 * `millrace`: `{"millrace":"metric","key":"loss","value":0.31,"step":4}`.
 */
const report = z.discriminatedUnion('millrace', [
  exact({ millrace: z.literal('metric'), key, value, step: z.int('expected a whole number').optional() }),
  exact({ millrace: z.literal('param'), key, value: z.json('is missing; expected any value') }),
  exact({ millrace: z.literal('tag'), key, value: z.string() }),
  exact({
    millrace: z.literal('progress'),
    done: z.number(),
    of: z.number().optional(),
    message: z.string().optional(),
  }),
  exact({
    millrace: z.literal('artifact'),
    store: z.string(),
    path,
    file: text().optional(),
    text: z.string().optional(),
    tags: tags.optional(),
    overwrite: z.boolean().optional(),
    card: z.record(z.string(), z.json(), 'expected an object').optional(),
  }).refine(
    ({ file, text, card }) => (card && file === undefined) || (file === undefined) !== (text === undefined),
    'say file or text, one of them, or a card alone',
  ),
  exact({ millrace: z.literal('artifact-tag'), store: z.string(), path, tags }),
  exact({ millrace: z.literal('used'), store: z.string(), path }),
  exact({ millrace: z.literal('message'), text: z.string() }),
  exact({ millrace: z.literal('failed'), reason: z.string() }),
])
export type Report = z.infer<typeof report>

/** What a line may report. */
const kinds = report.options.map(({ shape }) => shape.millrace.value)

/** The report that a line is; what is wrong with it where it is a bad one; undefined where it is none. */
export const reportIn = (line: string): Report | { readonly mistake: string } | undefined => {
  if (!/^\s*\{.*"millrace"/.test(line)) return undefined
  const value = jsonIn(line)
  if (value === undefined) return { mistake: `A report that is not JSON: ${line.slice(0, 300)}` }
  const parsed = report.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = unknownKind(value) ?? problemsOf(parsed.error.issues)
  return { mistake: `A report that can't be understood (${problems}): ${line.slice(0, 300)}` }
}

/** That there is no report of such a name, and which was probably meant; undefined where there is one. */
const unknownKind = (value: unknown): string | undefined => {
  const { millrace } = value as { readonly millrace?: unknown }
  if (typeof millrace !== 'string') return `millrace: expected one of ${kinds.join(', ')}`
  if ((kinds as readonly string[]).includes(millrace)) return undefined
  return `'${millrace.slice(0, 64)}' is no report${nearest(millrace.slice(0, 64), kinds)}`
}

/** JSON, and the three numbers that Python writes into it though JSON has none of them. */
const jsonIn = (line: string): unknown => {
  const odd = /(?<=[:,[]\s*)-?(NaN|Infinity)\b/g
  for (const text of [line, line.replaceAll(odd, (word) => `"${word.replace('-NaN', 'NaN')}"`)])
    try {
      return JSON.parse(text)
    } catch {}
  return undefined
}
