import { datasetRegistry, filesystemStore, modelRegistry, pipeline, storeClient } from 'millrace'
import { expect, test } from 'vitest'

/** Never called: what is marked does not compile otherwise. */
const typed = pipeline(
  'typed',
  {
    models: modelRegistry({ path: './models' }),
    datasets: datasetRegistry({ path: './datasets', watch: true, trigger: ({ fresh }) => fresh.length >= 2 }),
    files: filesystemStore({ path: './files' }),
  },
  (action) => ({
    train: action({ after: ['datasets'] }, async ({ run, stores }) => {
      run.inputs.datasets[0]?.text()
      await stores.models.save('m', 'weights', { card: { license: 'mit', title: 'M' } })
      await stores.models.card('m', { tags: ['a'] }, { overwrite: true })
      // @ts-expect-error a license is a text
      await stores.models.save('m', 'weights', { card: { license: 7 } })
      // @ts-expect-error a dataset has a name, a description, a license …
      await stores.datasets.save('d', 'a,b', { card: { name: 'd' } })
      // @ts-expect-error a plain store keeps no cards
      await stores.files.save('f', 'text', { card: { license: 'mit' } })
      // @ts-expect-error nor does it take one later
      await stores.files.card('f', { license: 'mit' })
      // @ts-expect-error a registry that is not watched offers nothing
      run.inputs.models
    }),
  }),
)

test('a client may stand for a registry, and for nothing that is none', () => {
  expect(storeClient<typeof typed>('typed/models', { path: './copies' })).toMatchObject({ of: 'typed/models' })
  // @ts-expect-error an action is no store
  storeClient<typeof typed>('typed/train', { path: './copies' })
})
