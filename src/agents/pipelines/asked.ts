import { z } from 'zod'
import { faults } from '#bus/fault'
import { problemsOf } from '#contracts/all'

/** How much the tags of one artifact may hold, in characters: they travel in one fact, with the artifact that they are of. */
const most = 65_536

/** Tags as a function or a script gives them. */
export const tags = z
  .record(z.string().min(1), z.string())
  .refine((given) => JSON.stringify(given).length <= most, `tags may hold ${most} characters in all`)

/** What was asked of a store, held against what can be asked; a fault with the path of each wrong field. */
export const parse = <Schema extends z.ZodType>(schema: Schema, verb: string, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw faults.brokenContract(`store.${verb}`, problemsOf(parsed.error.issues))
  return parsed.data
}
