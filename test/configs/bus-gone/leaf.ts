import { pipeline, storeClient } from 'millrace'
import { opened, type root } from './root.ts'

/** Downloads what is large, in the run that saves it. */
export const leaf = pipeline(
  'leaf_pipeline',
  { models_rpc: storeClient<typeof root>('root_pipeline/models', { path: './models_rpc' }) },
  (action) => ({
    fetch: action({ after: ['root_pipeline/end'], concurrency: 9 }, async ({ run, stores, signal }) => {
      if (run.number !== 2) return
      await opened('the way', signal)
      await stores.models_rpc.download('large')
    }),
  }),
)
