import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** The root of a file transfer whose retraining breaks now and then, takes too long now and then, and is tried again. */
export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './root-artifacts/input_artifacts/metadata_store/metadata.db' }),
    haiku_data_store: filesystemStore({ path: './root-artifacts/input_artifacts/haiku', watch: true }),
    model_registry: filesystemStore({ path: './root-artifacts/output_artifacts/model_registry' }),
    plots_store: filesystemStore({ path: './root-artifacts/output_artifacts/plots' }),
  },
  (action) => ({
    retraining: action(
      {
        after: ['haiku_data_store', 'model_registry', 'plots_store'],
        next: ['leaf_pipeline/shakespeare_eval', 'leaf_pipeline/haiku_eval'],
        retry: { times: 4, delay: 300 },
        timeout: 20_000,
      },
      async ({ run, stores }) => {
        const haikus = await Promise.all(run.inputs.haiku_data_store.map((haiku) => haiku.text()))
        if (run.number % 3 === 1 && run.attempt === 1) throw new Error('breaks the first time')
        await stores.model_registry.save(`model${run.number}.txt`, `model ${run.number}: ${haikus.join()}`)
      },
    ),
  }),
)
