import { datasetRegistry, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    raw: datasetRegistry({
      path: './raw',
      watch: true,
      settle: 50,
      trigger: ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`,
    }),
    processed: datasetRegistry({ path: './processed' }),
  },
  (action) => ({
    process: action({ after: ['raw', 'processed'] }, async ({ run, stores }) => {
      const texts = await Promise.all(run.inputs.raw.map((file) => file.text()))
      await stores.processed.save(`rows${run.number}.csv`, `word\n${texts.join('')}`, {
        card: {
          name: 'words',
          description: 'Words that were dropped in a folder',
          license: 'https://spdx.org/licenses/MIT.html',
          url: 'https://example.org/words',
          creator: { '@type': 'Person', name: 'Ada' },
          datePublished: '2026-01-31',
        },
      })
    }),
  }),
)
