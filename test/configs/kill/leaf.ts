import { pipeline, storeClient } from 'millrace'
import type { root } from './root.ts'

export const leaf = pipeline(
  'leaf_pipeline',
  {
    model_registry_rpc: storeClient<typeof root>('root_pipeline/model_registry', {
      path: './leaf-artifacts/input_artifacts/model_registry',
    }),
    plots_store_rpc: storeClient<typeof root>('root_pipeline/plots_store', {
      path: './leaf-artifacts/output_artifacts/plots',
    }),
  },
  (action) => ({
    shakespeare_eval: action({ after: ['root_pipeline/retraining'] }, async ({ run, stores }) => {
      await stores.model_registry_rpc.download(`model${run.number}.txt`)
    }),
    haiku_eval: action({ after: ['root_pipeline/retraining'] }, async ({ run, stores }) => {
      await stores.plots_store_rpc.upload(`plot${run.number}.txt`, `plot of run ${run.number}\n`)
    }),
  }),
)
