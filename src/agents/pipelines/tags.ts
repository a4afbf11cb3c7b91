import { z } from 'zod'

/** How much the tags of one artifact may hold, in characters: they travel in one fact, with the artifact that they are of. */
const most = 65_536

/** Tags as a function or a script gives them. */
export const tags = z
  .record(z.string().min(1), z.string())
  .refine((given) => JSON.stringify(given).length <= most, `tags may hold ${most} characters in all`)
