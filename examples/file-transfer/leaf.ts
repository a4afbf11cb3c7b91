import { metadataClient, pipeline, storeClient } from 'millrace'
import type { root } from './root.ts'

export const leaf = pipeline(
  'leaf_pipeline',
  {
    metadata_store_rpc: metadataClient<typeof root>('root_pipeline/metadata_store', {
      description: 'run number and metadata for both evaluations',
    }),
    model_registry_rpc: storeClient<typeof root>('root_pipeline/model_registry', {
      path: './leaf-artifacts/input_artifacts/model_registry',
      description: 'downloads over the network',
    }),
    plots_store_rpc: storeClient<typeof root>('root_pipeline/plots_store', {
      path: './leaf-artifacts/output_artifacts/plots',
      description: 'uploads over the network',
    }),
  },
  (action) => ({
    shakespeare_eval: action(
      { after: ['root_pipeline/retraining'], description: 'downloads the model' },
      async ({ run, stores, log }) => {
        const { number } = await stores.metadata_store_rpc.run()
        const model = await stores.model_registry_rpc.download(`model${run.numberOf('root_pipeline/retraining')}.txt`)
        const registry = await stores.model_registry_rpc.list()
        log.info(`evaluating ${model.path} (${model.size} bytes), one of ${registry.length} models`)
        await stores.metadata_store_rpc.logMetric('shakespeare_loss', 1 / (number + 1))
      },
    ),
    haiku_eval: action(
      { after: ['root_pipeline/retraining'], description: 'uploads a plot' },
      async ({ stores, log }) => {
        const { number } = await stores.metadata_store_rpc.run()
        await stores.plots_store_rpc.upload(`plot${number}.txt`, `plot of model ${number}\n`)
        log.info(`plotted model ${number}`)
      },
    ),
  }),
)
