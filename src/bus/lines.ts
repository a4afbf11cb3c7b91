import { z } from 'zod'
import { problemsOf } from '#contracts/problems'
import { printerOf } from '#contracts/subjects'
import type { Line, Printed } from './bus.ts'
import { faults, reasonOf } from './fault.ts'

/** How long the body of a message of output may be, in bytes. */
export const largestBody = 256 * 1024

/** As many messages of output at once as a handler gets; no more are read ahead than these. */
export const outputBatch = 64

/** What a line that was cut ends in. */
const mark = ' …'

const lineSchema = z.object({
  at: z.number(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  text: z.string(),
  more: z.record(z.string(), z.unknown()).exactOptional(),
})

/** Lines as the bodies of messages, in order, none of which is longer than `largest` bytes. Throws where one is no line. */
export function* bodiesOf(lines: readonly Line[], largest = largestBody): Generator<string> {
  let waiting: string[] = []
  let size = 1
  for (const line of lines) {
    const written = write(checked(line), largest - 2)
    const added = Buffer.byteLength(written) + 1
    if (size + added > largest) {
      yield `[${waiting.join()}]`
      waiting = []
      size = 1
    }
    waiting.push(written)
    size += added
  }
  if (waiting.length > 0) yield `[${waiting.join()}]`
}

/** A message of output as a reader finds it. */
type Found = {
  readonly subject: string
  readonly place: number
  readonly attempt: number
  readonly delivery: number
  readonly step?: string | undefined
  readonly body: string
}

/** What a message says was printed; undefined where it is no output. */
export const linesIn = ({ subject, place, attempt, delivery, step, body }: Found): Printed | undefined => {
  const printer = printerOf(subject)
  if (!printer || !Number.isInteger(attempt) || !Number.isInteger(delivery)) return undefined
  const lines = z.array(lineSchema).safeParse(parse(body)).data
  return lines && { ...printer, attempt, delivery, ...(step !== undefined && { step }), place, lines }
}

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** What could not be read again would take its whole message with it. */
const checked = (line: Line): Line => {
  const { data, error } = lineSchema.safeParse(line)
  if (error) throw faults.brokenContract('a line of output', problemsOf(error.issues))
  return data
}

const jsonOf = (line: Line): string => {
  try {
    return JSON.stringify(line)
  } catch (cause) {
    throw faults.brokenContract('a line of output', reasonOf(cause))
  }
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

/** A line as JSON of at most so many bytes. What is beside the text gives way only where it takes half of them. */
const write = (line: Line, bytes: number): string => {
  const whole = jsonOf(line)
  if (Buffer.byteLength(whole) <= bytes) return whole
  const { more, ...plain } = line
  const kept = sizeOf({ ...line, text: mark }) > bytes / 2 ? plain : line
  const text = beginningOf(line.text, bytes - sizeOf({ ...kept, text: mark }))
  return JSON.stringify({ ...kept, text: `${text}${mark}` })
}

/** As much of a text, from its beginning, as takes no more than so many bytes of JSON. */
const beginningOf = (text: string, bytes: number): string => {
  let [fits, longest] = [0, Math.min(text.length, bytes)]
  while (fits < longest) {
    const middle = Math.ceil((fits + longest) / 2)
    if (sizeOf(text.slice(0, middle)) - 2 <= bytes) fits = middle
    else longest = middle - 1
  }
  return text.slice(0, fits).replace(/[\uD800-\uDBFF]$/, '') // Half a character is none.
}
