import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
  },
  (action) => ({
    retraining: action(
      { after: ['data_store'], next: ['leaf_pipeline/shakespeare_eval', 'leaf_pipeline/haiku_eval'] },
      ({ run }) => `trained on ${run.inputs.data_store.length}`,
    ),
  }),
)
