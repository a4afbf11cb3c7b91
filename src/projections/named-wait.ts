import { and, eq } from 'drizzle-orm'
import type { Asker } from '#contracts/asker'
import { experiments } from './experiment-tables.ts'
import { visible } from './listed.ts'
import { propose } from './propose-nodes.ts'
import type { Db } from './reader.ts'
import type { Seen, Shown } from './view.ts'

/** What waits, with what people call the experiment, and with its command as it can be sent. */
export const named = (row: Shown, asker: Asker, seen: Seen & { readonly db: Db }): Shown => {
  const found = seen.db
    .select({ name: experiments.name })
    .from(experiments)
    .where(and(eq(experiments.experiment, String(row.experiment)), visible(experiments, seen.at)))
    .get()
  return { ...propose(row, asker, seen), name: found?.name ?? '' }
}
