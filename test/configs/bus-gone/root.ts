import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { filesystemStore, metadataStore, pipeline } from 'millrace'

const folder = env.MILLRACE_TEST_FOLDER ?? '.'

/** Each execution that begins, and each that comes to its end. */
const note = (...words: readonly (string | number)[]) => appendFileSync(join(folder, 'journal'), `${words.join(' ')}\n`)

/** Resolves once a gate, which is a file, is there. */
export const opened = async (gate: string, signal: AbortSignal) => {
  while (!existsSync(join(folder, gate))) await delay(20, undefined, { signal })
}

/** What a file asks for is what its run does: the first word of it, which is the name of a gate for some. */
export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 50 }),
    models: filesystemStore({ path: './models' }),
  },
  (action) => ({
    begin: action({ after: ['inbox'], concurrency: 9 }, ({ run }) => note('begin', run.number, run.attempt)),
    work: action(
      { after: ['begin'], concurrency: 9, retry: { times: 1, delay: 6_000 } },
      async ({ run, stores, signal }) => {
        note('work', run.number, run.attempt)
        const order = (await run.inputs.inbox[0]?.text()) ?? ''
        if (order === 'breaks once' && run.attempt === 1) throw new Error('broke at its first attempt')
        if (order.startsWith('waits for ')) await opened(order.slice('waits for '.length), signal)
        if (order === 'is large') await stores.models.save('large', { file: join(folder, 'large') })
        note('worked', run.number, run.attempt)
      },
    ),
    end: action({ after: ['work'], concurrency: 9, next: ['leaf_pipeline/fetch'] }, ({ run }) =>
      note('end', run.number, run.attempt),
    ),
  }),
  { concurrency: 9 },
)
