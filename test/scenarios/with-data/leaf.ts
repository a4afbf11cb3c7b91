import { metadataClient, pipeline } from 'millrace'
import type { root } from './root.ts'

export const leaf = pipeline(
  'leaf_pipeline',
  { metadata: metadataClient<typeof root>('root_pipeline/metadata_store') },
  (action) => ({
    shakespeare_eval: action({ after: ['root_pipeline/logging_node'] }, async ({ run, stores }) => {
      await stores.metadata.logMetric('loss', run.number / 10)
      const logged = await stores.metadata.metrics({ key: 'loss', run: run.number })
      return `read back ${logged.map(({ value }) => value).join()}`
    }),
  }),
)
