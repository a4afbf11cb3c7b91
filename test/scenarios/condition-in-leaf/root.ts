import { metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({
      path: './metadata.db',
      trigger: ({ metric, last }) => metric.key === 'go' && last('go') > 0,
    }),
  },
  (action) => ({ after_leaf: action({ after: ['leaf_pipeline/leaf_eval'] }, ({ run }) => `run ${run.number}`) }),
)
