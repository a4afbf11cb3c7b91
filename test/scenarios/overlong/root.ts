import { filesystemStore, metadataStore, pipeline } from 'millrace'

const retry = { times: 1, delay: 300 } as const

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    orders: filesystemStore({ path: './orders', watch: true, settle: 50 }),
  },
  (action) => ({
    /** Hears nothing, and never ends. */
    work: action({ after: ['orders'], retry, timeout: 1_500 }, async ({ log }) => {
      log.info(`pid ${process.pid}`)
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }),
    /** Has all the time it needs, on whatever machine. */
    refuse: action({ after: ['orders'], retry, timeout: 60_000 }, () => ({ failed: 'it will not' })),
    report: action({ after: ['work'] }, () => undefined),
  }),
)
