import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { metadataStore, pipeline } from 'millrace'

const folder = env.MILLRACE_TEST_FOLDER ?? '.'

/** Keeps no files, so that any number of hosts may run it. Its first attempt lasts until it may break. */
export const replicas = pipeline(
  'replicas',
  { metadata_store: metadataStore({ path: './metadata.db' }) },
  (action) => ({
    breaks: action({ retry: { times: 2, delay: 500 } }, async ({ run, signal }) => {
      appendFileSync(join(folder, 'journal'), `${env.MILLRACE_TEST_HOST} ${run.attempt}\n`)
      if (run.attempt > 1) return
      while (!existsSync(join(folder, 'break'))) await delay(20, undefined, { signal })
      throw new Error('broke at its first attempt')
    }),
  }),
)
