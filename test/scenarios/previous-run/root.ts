import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({ path: './data', watch: true, settle: 50 }),
    models: filesystemStore({ path: './models' }),
  },
  (action) => ({
    train: action({ after: ['data_store', 'models'] }, async ({ run, stores }) => {
      const texts = await Promise.all(run.inputs.data_store.map((file) => file.text()))
      const score = texts.join('').length
      await stores.models.save(`model${run.number}.txt`, `${score}`)
      if (run.number === 0) return 'the first'
      const former = Number(await (await stores.models.open(`model${run.number - 1}.txt`)).text())
      return score > former ? 'better' : 'no better'
    }),
  }),
)
