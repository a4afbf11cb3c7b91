import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({
      path: './root-artifacts/input_artifacts/metadata_store/metadata.db',
      description: 'keeps the metadata of runs',
    }),
    haiku_data_store: filesystemStore({
      path: './root-artifacts/input_artifacts/haiku',
      watch: true,
      description: 'watches for new files, triggers',
    }),
    model_registry: filesystemStore({
      path: './root-artifacts/output_artifacts/model_registry',
      description: 'keeps what retraining creates',
    }),
    plots_store: filesystemStore({
      path: './root-artifacts/output_artifacts/plots',
      description: 'keeps what haiku_eval uploads',
    }),
  },
  (action) => ({
    retraining: action(
      {
        after: ['haiku_data_store', 'model_registry', 'plots_store'],
        next: ['leaf_pipeline/shakespeare_eval', 'leaf_pipeline/haiku_eval'],
        description: 'loads the haikus, simulates retraining',
      },
      async ({ run, stores, log }) => {
        const haikus = await Promise.all(run.inputs.haiku_data_store.map((haiku) => haiku.text()))
        log.info(`retraining on ${haikus.length} haiku(s)`)
        const weights = `model ${run.number}, trained on:\n${haikus.join('\n')}\n`
        await stores.model_registry.save(`model${run.number}.txt`, weights, { tags: { model_type: 'LLM' } })
      },
    ),
  }),
)
