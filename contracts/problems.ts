import { unknownField } from './fields.ts'

/** What a schema finds wrong with some data. */
type Issue = {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: readonly string[]
  readonly expected?: string
  /** What is wrong with the key of a record. */
  readonly issues?: readonly Issue[]
  /** What each of several alternatives finds wrong. */
  readonly errors?: readonly (readonly Issue[])[]
}

/** Every problem of some data: the path of its field, and what is wrong there, in words. */
export const mistakesAt = (issues: readonly Issue[]): { readonly field: string; readonly message: string }[] =>
  issues.flatMap(({ path, message, code, keys = [], expected, issues: inner = [], errors = [] }) => {
    const field = path.map(String).join('.')
    if (code === 'unrecognized_keys')
      return keys.map((key, at) => ({
        field: [...path, key].map(String).join('.'),
        message: message.startsWith(unknownField) ? (message.split('\n')[at] ?? unknownField) : unknownField,
      }))
    if (code === 'invalid_key' && inner.length > 0)
      return inner.map((one) => ({ field, message: `a bad name: ${one.message}` }))
    if (code === 'invalid_type' && message.endsWith('received undefined'))
      // Of what may be anything, a schema has no better word.
      return [{ field, message: expected === 'nonoptional' ? 'is missing' : `is missing; expected ${expected}` }]
    if (code === 'invalid_union' && message === 'Invalid input' && errors.length > 0)
      return [{ field, message: alternatives(errors) }]
    return [{ field, message: message.replace(/^Invalid input: /, '') }]
  })

/** Each of them in a line: `offers.0.after: is missing; expected string`. */
export const mistakesOf = (issues: readonly Issue[]): string[] =>
  mistakesAt(issues).map(({ field, message }) => (field ? `${field}: ${message}` : message))

/** What each of several alternatives would have had. */
const alternatives = (errors: readonly (readonly Issue[])[]): string => {
  const firsts = errors.flatMap(([first]) => first ?? [])
  const told = mistakesAt(firsts).map(({ field, message }) => (field ? `${field}: ${message}` : message))
  const [missing] = told.filter((message) => message.startsWith('is missing'))
  return missing ?? [...new Set(told)].join('; or: ')
}

/** All of them in one line. */
export const problemsOf = (issues: readonly Issue[]): string => mistakesOf(issues).join('; ')
