import { metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({
      path: './metadata.db',
      trigger: ({ metric, max }) =>
        metric.key === 'percent_accuracy' && max('percent_accuracy') > 0.4 && { start: `accuracy is ${metric.value}` },
    }),
  },
  (action) => ({ logging_node: action({ after: ['metadata_store'] }, ({ run }) => `run ${run.number}`) }),
)
