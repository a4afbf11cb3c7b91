import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

const begun = join(process.env.MILLRACE_TEST_GATE ?? '', 'begun')

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    orders: filesystemStore({ path: './orders', watch: true, settle: 50 }),
  },
  (action) => ({
    /** Would go on for ever the first time; has no retry, and little time. */
    work: action({ after: ['orders'], timeout: 3_000 }, async () => {
      if (existsSync(begun)) return
      writeFileSync(begun, '')
      await new Promise((resolve) => setTimeout(resolve, 600_000))
    }),
  }),
)
