import { datasetRegistry, filesystemStore, metadataStore, modelRegistry, pipeline } from 'millrace'

/** A model each run, a card every third; the data they were made of, processed, with a Croissant card. */
export const registries = pipeline(
  'registries',
  {
    metadata_store: metadataStore({ path: './registry-artifacts/metadata.db' }),
    raw: filesystemStore({
      path: './registry-artifacts/raw',
      watch: true,
      trigger: ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`,
    }),
    datasets: datasetRegistry({ path: './registry-artifacts/datasets' }),
    models: modelRegistry({ path: './registry-artifacts/models' }),
  },
  (action) => ({
    process: action({ after: ['raw', 'datasets'] }, async ({ run, stores }) => {
      const rows = await Promise.all(run.inputs.raw.map(async (file) => (await file.text()).trim()))
      const path = `words${run.number}.csv`
      await stores.datasets.save(path, `word\n${rows.join('\n')}\n`, {
        card: {
          name: `words ${run.number}`,
          description: 'Words as they arrived',
          license: 'https://spdx.org/licenses/CC0-1.0',
          url: 'https://example.org/words',
          creator: { '@type': 'Organization', name: 'Us' },
          datePublished: '2026-01-31',
          recordSets: [
            { name: 'words', fields: [{ name: 'word', dataType: 'sc:Text', source: { file: path, column: 'word' } }] },
          ],
        },
      })
    }),
    train: action({ after: ['process', 'models'] }, async ({ run, stores }) => {
      const data = await stores.datasets.open(`words${run.numberOf('process')}.csv`)
      const path = `model${run.number}.txt`
      const weights = `${(await data.text()).length} letters\n`
      if (run.number % 3 > 0) await stores.models.save(path, weights)
      else
        await stores.models.save(path, weights, {
          tags: { model_type: 'counting' },
          card: { title: `Model ${run.number}`, license: 'mit', tags: ['counting'], datasets: [data.path] },
        })
    }),
  }),
)
