import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { metadataStore, pipeline } from 'millrace'

const folder = env.MILLRACE_TEST_FOLDER ?? '.'
const running = join(folder, 'running')

/** Three runs at once, whose action notes how many of them are under way, and lasts until its run's gate is opened. */
export const slots = pipeline(
  'slots',
  { metadata_store: metadataStore({ path: './metadata.db' }) },
  (action) => ({
    lasts: action({ concurrency: 9 }, async ({ run, signal }) => {
      mkdirSync(join(running, `${run.number}`), { recursive: true })
      appendFileSync(join(folder, 'counts'), `${run.number} ${readdirSync(running).length}\n`)
      while (!existsSync(join(folder, `gate${run.number}`))) await delay(20, undefined, { signal })
      rmSync(join(running, `${run.number}`), { recursive: true, force: true })
    }),
  }),
  { concurrency: 3 },
)
