import { z } from 'zod'
import { hint } from './nearest.ts'

/** What is said of a field that nobody knows; whatever says it begins so. */
export const unknownField = 'no field is called so'

/** Says of a field that it is not known: which was probably meant, or which there are. */
export const unknown = (key: string, known: readonly string[]): string => `${unknownField}${hint(key, known)}`

/**
 * An object of these fields and no other. Whoever says another one is told, a line for each, which there are, but for those
 * that nobody writes.
 */
export const exact = <Shape extends z.ZodRawShape>(shape: Shape, unwritten: readonly string[] = []) =>
  z.strictObject(shape, {
    error: ({ code, inst, ...issue }) =>
      code === 'unrecognized_keys' && inst instanceof z.ZodObject
        ? (issue.keys as readonly string[]).map((key) => unknown(key, written(inst.shape, unwritten))).join('\n')
        : undefined,
  })

const written = (shape: object, unwritten: readonly string[]): string[] =>
  Object.keys(shape).filter((field) => !unwritten.includes(field))

/**
 * The path of every field that was given and that a schema passed over, as it knows none of that name. Events are read so,
 * for later versions may say more; what a person sends is not, for it would seem to be heard.
 */
export const passedOver = (given: unknown, kept: unknown, schema: unknown, path: readonly string[] = []): string[] => {
  if (!isObject(given) || !isObject(kept)) return []
  const object = objectIn(schema, given)
  return Object.entries(given).flatMap(([key, value]) =>
    Object.hasOwn(kept, key) || value === undefined
      ? passedOver(value, kept[key], object?.shape[key] ?? elementIn(schema), [...path, key])
      : [`${[...path, key].join('.')}: ${unknown(key, Object.keys(object?.shape ?? {}))}`],
  )
}

/** What a schema says of an object: through whatever is around it, and of several kinds the one that is meant. */
const objectIn = (schema: unknown, given: unknown): z.ZodObject | undefined => {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional || schema instanceof z.ZodDefault)
    return objectIn(schema.unwrap(), given)
  if (schema instanceof z.ZodUnion)
    return schema.options.map((one) => objectIn(one, given)).find((one) => one?.safeParse(given).success)
  return undefined
}

const elementIn = (schema: unknown): unknown => (schema instanceof z.ZodArray ? schema.element : undefined)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
