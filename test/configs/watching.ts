import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** One action that notes what it is offered and reads it. */
export const watching = pipeline(
  'watching',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 80 }),
  },
  (action) => ({
    note: action({ after: ['inbox'] }, async ({ run }) => {
      for (const file of run.inputs.inbox)
        appendFileSync(join(env.MILLRACE_TEST_FOLDER ?? '.', 'offered'), `${file.path} ${await file.text()}\n`)
    }),
  }),
)
