import { filesystemStore, metadataStore, pipeline } from 'millrace'

const untilStopped = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

/** One action waits for its retry, one is stopped by its timeout and tried again. */
export const ticking = pipeline(
  'ticking',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    inbox: filesystemStore({ path: './inbox', watch: true, settle: 50 }),
  },
  (action) => ({
    flaky: action({ after: ['inbox'], retry: { times: 1, delay: 6_000 } }, ({ run, log }) => {
      log.info(`attempt ${run.attempt}`)
      if (run.number === 0 && run.attempt === 1) throw new Error('broke at its first attempt')
    }),
    hangs: action(
      { after: ['inbox'], timeout: 5_000, retry: { times: 1, delay: 100 } },
      async ({ run, log, signal, stores }) => {
        log.info(`attempt ${run.attempt} begins`)
        await stores.metadata_store.logMetric('attempt', run.attempt)
        if (run.number === 0 && run.attempt === 1) await untilStopped(signal)
        log.info(`attempt ${run.attempt} ends`)
      },
    ),
  }),
)

/** A run that waits for ever has a deadline. */
export const late = pipeline(
  'late',
  {
    metadata_store: metadataStore({ path: './late.db' }),
    inbox: filesystemStore({ path: './late', watch: true, settle: 50 }),
  },
  (action) => ({ waits: action({ after: ['inbox'] }, ({ signal }) => untilStopped(signal)) }),
  { deadline: 8_000 },
)
