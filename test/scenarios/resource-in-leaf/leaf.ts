import { filesystemStore, pipeline } from 'millrace'

export const leaf = pipeline(
  'leaf_pipeline',
  { data_store: filesystemStore({ path: './data', watch: true, settle: 50 }) },
  (action) => ({
    leaf_eval: action({ after: ['data_store'] }, async ({ run }) => {
      const texts = await Promise.all(run.inputs.data_store.map((file) => file.text()))
      return texts.toSorted().join(', ')
    }),
  }),
)
