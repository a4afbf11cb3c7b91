import type { z } from 'zod'
import { Fault } from '#bus/fault'
import { mistakesAt } from '#contracts/problems'
import { type LineMistake, linesOf, readYaml } from './yaml-lines.ts'

type Expected = {
  /** What the file is called where its mistakes are told, and the code of the fault that tells them. */
  readonly name: string
  readonly code: string
  /** What an empty file is told to hold. */
  readonly example: string
  readonly mostValues: number
}

/** So many mistakes are told, each in so many characters at most. */
const [mostMistakes, longest] = [20, 500]

/** Reads YAML of a shape. Throws a fault that says, for each mistake, its line and what was expected there. */
export const parseShaped = <Shape extends z.ZodType>(
  shape: Shape,
  bytes: Uint8Array,
  expected: Expected,
): z.output<Shape> => {
  const { document, mistakes } = readYaml(bytes, expected.mostValues)
  if (!document || mistakes.length > 0) return refuse(mistakes, expected)
  if (document.contents === null)
    return refuse([{ line: 1, message: `is empty; expected\n${expected.example}` }], expected)
  const parsed = shape.safeParse(document.toJS())
  if (parsed.success) return parsed.data
  const at = linesOf(document)
  const told = parsed.error.issues.flatMap((issue) =>
    mistakesAt([issue]).map(({ field, message }, index) => {
      const key = issue.code === 'unrecognized_keys' ? [issue.keys[index] ?? ''] : []
      return { line: at([...issue.path, ...key]), message: field ? `${field}: ${message}` : message }
    }),
  )
  return refuse(told, expected)
}

const refuse = (mistakes: readonly LineMistake[], { name, code }: Expected): never => {
  const told = mistakes
    .slice(0, mostMistakes)
    .map(({ line, message }) => `  ${name}:${line}: ${message.slice(0, longest)}`)
  const more = mistakes.length > mostMistakes ? [`  and ${mistakes.length - mostMistakes} more`] : []
  const count = `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`
  throw new Fault(code, `${name} has ${count}:\n${[...told, ...more].join('\n')}`)
}
