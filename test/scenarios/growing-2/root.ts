import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'millrace'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** Waits until somebody lets it go on. */
const waits = async ({ run }: Pick<Context, 'run'>) => {
  const gate = join(process.env.MILLRACE_TEST_GATE ?? '', `open${run.number}`)
  while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20))
}

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
  },
  (action) => ({
    first: action({ after: ['data_store'] }, waits),
    added: action({ after: ['first'] }, () => 'added'),
    second: action({ after: ['added'] }, () => 'second'),
  }),
)
