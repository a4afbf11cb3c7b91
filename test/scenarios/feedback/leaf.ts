import { pipeline, storeClient } from 'millrace'
import type { root } from './root.ts'

export const leaf = pipeline(
  'leaf_pipeline',
  { results: storeClient<typeof root>('root_pipeline/results', { path: './results' }) },
  (action) => ({
    evaluate: action({ after: ['root_pipeline/train'] }, async ({ run, stores }) => {
      await stores.results.upload(`score${run.number}.txt`, `${run.number + 1}`)
    }),
  }),
)
