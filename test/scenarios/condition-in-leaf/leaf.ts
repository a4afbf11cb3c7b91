import { filesystemStore, pipeline } from 'millrace'

export const leaf = pipeline(
  'leaf_pipeline',
  {
    data_store: filesystemStore({
      path: './data',
      watch: true,
      settle: 50,
      trigger: ({ fresh }) => (fresh.length >= 2 ? { start: `${fresh.length} files` } : `${fresh.length} of 2 files`),
    }),
  },
  (action) => ({ leaf_eval: action({ after: ['data_store'] }, ({ run }) => `${run.inputs.data_store.length}`) }),
)
