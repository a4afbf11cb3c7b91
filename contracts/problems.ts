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

/** Every problem of some data, each with the path of its field, in words: `offers.0.after: is missing; expected string`. */
export const mistakesOf = (issues: readonly Issue[]): string[] =>
  issues.flatMap(({ path, message, code, keys = [], expected, issues: inner = [] }) => {
    const at = path.map(String).join('.')
    const say = (what: string) => (at ? `${at}: ${what}` : what)
    if (code === 'unrecognized_keys') return keys.map((key) => `${[...path, key].map(String).join('.')}: ${unknown}`)
    if (code === 'invalid_key' && inner.length > 0) return inner.map((one) => say(`a bad name: ${one.message}`))
    if (code === 'invalid_type' && message.endsWith('received undefined'))
      return say(`is missing; expected ${expected}`)
    return say(message.replace(/^Invalid input: /, ''))
  })

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
