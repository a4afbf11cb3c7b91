import { filesystemStore, metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    data_store: filesystemStore({
      path: './data',
      watch: true,
      settle: 50,
      trigger: ({ fresh }) => fresh.length >= 2 || `${fresh.length} of 2 files`,
    }),
    gate: filesystemStore({ path: './gate' }),
  },
  (action) => ({
    /** Waits for a file of a person before it reads what it was offered. */
    reader: action({ after: ['data_store'] }, async ({ run, stores }) => {
      const isOpen = () =>
        stores.gate.open('open.txt').then(
          () => true,
          () => false,
        )
      while (!(await isOpen())) await new Promise((resolve) => setTimeout(resolve, 20))
      for (const file of run.inputs.data_store) await file.text()
    }),
  }),
)
