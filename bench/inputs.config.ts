import { writeFileSync } from 'node:fs'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

const count = Number(process.env.MILLRACE_BENCH_FILES)

/** A run that takes a whole folder, and an action that notes when it began and how much it was given. */
export const inputs = pipeline(
  'inputs',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({
      path: './inbox',
      watch: true,
      trigger: ({ fresh }) => fresh.length >= count || `${fresh.length} of ${count} files`,
    }),
  },
  (action) => ({
    note: action({ after: ['inbox'] }, ({ run }) => {
      const began = performance.timeOrigin + performance.now()
      writeFileSync(`${process.env.MILLRACE_BENCH_NOTES}/began`, `${began} ${run.inputs.inbox.length}`)
    }),
  }),
)
