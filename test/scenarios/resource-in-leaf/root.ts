import { metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  { metadata_store: metadataStore({ path: './metadata.db' }) },
  (action) => ({
    logging_node: action({ after: ['leaf_pipeline/leaf_eval'] }, ({ run }) => `run ${run.number}`),
  }),
)
