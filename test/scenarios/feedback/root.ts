import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
    results: filesystemStore({ path: './results' }),
  },
  (action) => ({
    train: action({ after: ['data_store'], next: ['leaf_pipeline/evaluate'] }, () => undefined),
    collect: action({ after: ['leaf_pipeline/evaluate'] }, async ({ run, stores }) => {
      const file = await stores.results.open(`score${run.number}.txt`)
      await stores.results.save(`report${run.number}.txt`, `scored ${await file.text()}`)
    }),
  }),
)
