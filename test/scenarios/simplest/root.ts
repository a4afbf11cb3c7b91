import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
  },
  (action) => ({
    logging_node: action({ after: ['data_store'], next: ['leaf_pipeline/shakespeare_eval'] }, async ({ run, log }) => {
      for (const file of run.inputs.data_store) log.info(`${file.path}: ${await file.text()}`)
    }),
  }),
)
