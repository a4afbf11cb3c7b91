import { writeFileSync } from 'node:fs'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** A watched folder and an action that notes when it began, next to the file that it was given. */
export const begins = pipeline(
  'begins',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 500 }),
  },
  (action) => ({
    note: action({ after: ['inbox'] }, ({ run }) => {
      const began = performance.timeOrigin + performance.now()
      for (const { path } of run.inputs.inbox) writeFileSync(`${process.env.MILLRACE_BENCH_NOTES}/${path}`, `${began}`)
    }),
  }),
)
