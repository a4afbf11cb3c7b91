import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
  },
  (action) => ({
    train: action({ after: ['data_store'], next: ['one_pipeline/evaluate', 'two_pipeline/evaluate'] }, () => undefined),
  }),
)
