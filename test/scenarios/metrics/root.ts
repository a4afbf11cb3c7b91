import { metadataStore, pipeline } from 'millrace'

/** How many numbers an action logs, one after the other. */
export const count = 10_000

export const root = pipeline(
  'root_pipeline',
  { metadata_store: metadataStore({ path: './metadata.db' }) },
  (action) => ({
    logs: action({}, async ({ stores }) => {
      const began = performance.now()
      for (let step = 0; step < count; step++) await stores.metadata_store.logMetric('loss', 1 / (step + 1), { step })
      return `${Math.round(performance.now() - began)}`
    }),
    odd: action({}, async ({ stores }) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e308])
        await stores.metadata_store.logMetric('odd', value)
    }),
  }),
)
