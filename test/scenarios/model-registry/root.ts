import { filesystemStore, metadataStore, modelRegistry, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
    model_registry: modelRegistry({ path: './models' }),
  },
  (action) => ({
    train: action({ after: ['data_store', 'model_registry'] }, async ({ run, stores }) => {
      const card = { license: 'mit', language: 'en', tags: ['haiku'], title: `Model ${run.number}` }
      const carded = run.number % 3 === 0 ? { card } : {}
      await stores.model_registry.save(`model${run.number}.bin`, `weights ${run.number}`, carded)
    }),
  }),
)
