/** What a schema finds wrong with some data. */
type Issue = {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: readonly string[]
  readonly expected?: string
  /** What is wrong with the key of a record. */
  readonly issues?: readonly Issue[]
}

/** Every problem of some data: the path of its field, and what is wrong there, in words. */
export const mistakesAt = (issues: readonly Issue[]): { readonly field: string; readonly message: string }[] =>
  issues.flatMap(({ path, message, code, keys = [], expected, issues: inner = [] }) => {
    const field = path.map(String).join('.')
    if (code === 'unrecognized_keys')
      return keys.map((key) => ({ field: [...path, key].map(String).join('.'), message: unknown }))
    if (code === 'invalid_key' && inner.length > 0)
      return inner.map((one) => ({ field, message: `a bad name: ${one.message}` }))
    if (code === 'invalid_type' && message.endsWith('received undefined'))
      return [{ field, message: `is missing; expected ${expected}` }]
    return [{ field, message: message.replace(/^Invalid input: /, '') }]
  })

/** Each of them in a line: `offers.0.after: is missing; expected string`. */
export const mistakesOf = (issues: readonly Issue[]): string[] =>
  mistakesAt(issues).map(({ field, message }) => (field ? `${field}: ${message}` : message))

const unknown = 'no field is called so'

/** All of them in one line. */
export const problemsOf = (issues: readonly Issue[]): string => mistakesOf(issues).join('; ')

/**
 * The path of every field that was given and that a schema passed over, as it knows none of that name. Events are read so,
 * for later versions may say more; what a person sends is not, for it would seem to be heard.
 */
export const passedOver = (given: unknown, kept: unknown, path: readonly string[] = []): string[] => {
  if (!isObject(given) || !isObject(kept)) return []
  return Object.entries(given).flatMap(([key, value]) =>
    Object.hasOwn(kept, key) || value === undefined
      ? passedOver(value, kept[key], [...path, key])
      : [`${[...path, key].join('.')}: ${unknown}`],
  )
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
