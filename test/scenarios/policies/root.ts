import { filesystemStore, metadataStore, pipeline } from 'millrace'

/** What a file asks for is what is done. */
export const root = pipeline(
  'root_pipeline',
  {
    metadata_store: metadataStore({ path: './metadata.db' }),
    orders: filesystemStore({ path: './orders', watch: true, settle: 50 }),
    notes: filesystemStore({ path: './notes' }),
  },
  (action) => ({
    prepare: action({ after: ['orders'] }, async ({ run, stores }) => {
      await stores.notes.save(`prepared${run.number}.txt`, 'prepared')
    }),
    work: action(
      { after: ['prepare'], retry: { times: 2, delay: 300, factor: 2 }, timeout: 60_000 },
      async ({ run, stores, log }) => {
        const [order = ''] = await Promise.all(run.inputs.orders.map((file) => file.text()))
        log.info(`attempt ${run.attempt} of ${order}, pid ${process.pid}`)
        switch (order) {
          case 'breaks twice':
            if (run.attempt < 3) throw new Error(`broke at attempt ${run.attempt}`)
            break
          case 'breaks':
            throw new Error('breaks always')
        }
        await stores.notes.save(`worked${run.number}.txt`, `at attempt ${run.attempt}`)
      },
    ),
    report: action({ after: ['work'] }, async ({ run, stores }) => {
      const worked = await stores.notes.open(`worked${run.numberOf('work')}.txt`)
      return `reported run ${run.number}, which repeats ${run.repeats ?? 'none'}: worked ${(await worked.text()).trim()}`
    }),
  }),
)
