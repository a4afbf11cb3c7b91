import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
  },
  (action) => ({
    logging_node: action({ after: ['data_store'] }, async ({ run, stores }) => {
      await stores.metadata_store.logParam('files', run.inputs.data_store.length)
    }),
  }),
)
