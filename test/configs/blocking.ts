import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** One action that blocks its thread for as long as the file says, in milliseconds, and notes each time it began. */
export const blocking = pipeline(
  'blocking',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 50 }),
  },
  (action) => ({
    block: action({ after: ['inbox'] }, async ({ run }) => {
      appendFileSync(join(env.MILLRACE_TEST_FOLDER ?? '.', 'began'), `${run.number}\n`)
      const milliseconds = Number(await run.inputs.inbox[0]?.text())
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
    }),
  }),
)
