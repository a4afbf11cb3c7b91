import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** Two steps: the first says something and leaves a file, the second waits while a file called `hold` lies there. */
export const steps = pipeline(
  'steps',
  {
    metadata: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true }),
    outbox: filesystemStore({ path: './outbox' }),
  },
  (action) => ({
    first: action({ after: ['inbox', 'outbox'] }, async ({ run, stores, log }) => {
      for (const { text } of run.inputs.inbox) log.info(`read ${await text()}`)
      log.warn('careful')
      await stores.outbox.save(`first${run.number}.txt`, `run ${run.number}`)
    }),
    second: action({ after: ['first'] }, async ({ stores, log, signal }) => {
      if (!(await stores.outbox.list()).some(({ path }) => path === 'hold')) return
      log.info('holding on')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }),
  }),
)
