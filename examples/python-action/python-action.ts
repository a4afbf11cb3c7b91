import { filesystemStore, metadataStore, modelRegistry, pipeline } from 'millrace'

/** Both actions are Python; what is done in TypeScript around the second one is to record that it uses the model. */
export const pythonAction = pipeline(
  'python_action',
  {
    metadata_store: metadataStore({ path: './python-artifacts/metadata.db' }),
    data: filesystemStore({ path: './python-artifacts/data', watch: true }),
    models: modelRegistry({ path: './python-artifacts/models' }),
  },
  (action) => ({
    train: action({ after: ['data', 'models'], exec: ['python3', 'train.py'] }),
    evaluate: action(
      { after: ['train'], exec: ['python3', 'evaluate.py'] },
      { before: async ({ run, stores }) => (await stores.models.open(`model${run.numberOf('train')}.json`)).bytes() },
    ),
  }),
)
