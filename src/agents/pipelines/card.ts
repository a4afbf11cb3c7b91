import { z } from 'zod'
import { faults } from '#bus/fault'
import { mistakesAt } from '#contracts/all'
import { unknown } from '#contracts/fields'

/** What is wrong, and in which field by its path. */
export type Mistake = { readonly field: string; readonly message: string }

/** Bytes of a card, and of its front matter: the costliest YAML of that size takes seconds, and no more. */
export const largest = { card: 1_048_576, frontMatter: 262_144 }
const deepest = 64

/** Refuses a card; who sends one with thousands of mistakes is told of the first hundred. */
export const refuse = (what: string, mistakes: readonly Mistake[]): never => {
  throw faults.badCard(what, mistakes.slice(0, 100))
}

/** Refuses a text that is too large to be read. */
export const bounded = (what: string, text: string, most = largest.card): void => {
  const bytes = Buffer.byteLength(text)
  if (bytes > most) refuse(what, [{ field: 'size', message: `${bytes} bytes; expected ${most} at most` }])
}

/** An object that may have other fields too; but one that is a slip of the pen away from these is taken for a mistake. */
export const open = <S extends z.ZodRawShape>(shape: S) =>
  z.looseObject(shape).superRefine(
    (value, { addIssue }) => {
      const known = Object.keys(shape)
      for (const key of Object.keys(Object(value)))
        if (!known.includes(key) && known.some((name) => slipped(key, name)))
          addIssue({ code: 'custom', path: [key], message: unknown(key, known) })
    },
    { when: () => true },
  )

/** One letter more, less or other, two that changed places, or a capital or a hyphen that is none. */
const slipped = (word: string, known: string): boolean => {
  const [a, b] = [word.toLowerCase().replaceAll('-', '_'), known.toLowerCase().replaceAll('-', '_')]
  const same = [...b].findIndex((letter, index) => letter !== a[index])
  const [x, y] = same < 0 ? [a.slice(b.length), ''] : [a.slice(same), b.slice(same)]
  if (x.slice(1) === y.slice(1) || x.slice(1) === y || x === y.slice(1)) return true
  return x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2)
}

/** What a card's schema makes of `given`: a copy, in which nothing is shared and no key reaches a prototype. */
export const checked = <S extends z.ZodType>(what: string, schema: S, given: unknown): z.output<S> => {
  const mistakes: Mistake[] = []
  let left = largest.card // A text of that size can't hold more values: what does is shared, or holds itself.
  const copy = (value: unknown, path: readonly PropertyKey[]): unknown => {
    const wrong = (message: string, key: readonly string[] = []) =>
      void (mistakes.length < 100 && mistakes.push({ field: [...path, ...key].map(String).join('.'), message }))
    if (path.length > deepest || --left < 0) return wrong(`is too deep, or too much: ${deepest} levels are allowed`)
    if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, [...path, index]))
    if (typeof value === 'object' && value !== null) {
      if (![Object.prototype, null].includes(Object.getPrototypeOf(value)))
        return wrong(`expected an object of plain fields, found a ${value.constructor?.name}`)
      if (Object.hasOwn(value, '__proto__')) wrong('no field may be called so', ['__proto__'])
      const fields = Object.entries(value).filter(([key, inner]) => key !== '__proto__' && inner !== undefined)
      for (const [key] of fields) if (!key.isWellFormed()) wrong('the name holds half a character')
      return Object.fromEntries(fields.map(([key, inner]) => [key, copy(inner, [...path, key])]))
    }
    if (typeof value === 'string' && !value.isWellFormed()) wrong('the text holds half a character')
    if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
      return value
    return wrong(`expected a value that can be written, found ${typeof value === 'number' ? value : typeof value}`)
  }
  const parsed = schema.safeParse(copy(given, []), { reportInput: true })
  const told = new Set(mistakes.map(({ field }) => field))
  const issues = parsed.success ? [] : mistakesAt(parsed.error.issues.flatMap(byKey))
  if (!parsed.success || told.size > 0)
    return refuse(what, [...mistakes, ...issues.filter((one) => !told.has(one.field))])
  return parsed.data
}

/** An issue for each of its keys; one of a field that is not there says so, whatever its schema says. */
const byKey = (issue: z.core.$ZodIssue) => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key, at) => ({ path: [...issue.path, key], message: issue.message.split('\n')[at] ?? '' }))
  const missing = issue.code !== 'custom' && issue.input === undefined && !issue.message.endsWith('received undefined')
  return [
    missing ? { ...issue, message: `is missing; ${issue.message.replace(/^Invalid (input|option): /, '')}` } : issue,
  ]
}
