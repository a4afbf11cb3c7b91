import { metadataStore, pipeline } from 'millrace'

export const root = pipeline(
  'root_pipeline',
  { metadata_store: metadataStore({ path: './metadata.db' }) },
  (action) => ({
    first: action({ next: ['far_pipeline/away'] }, () => undefined),
    listens: action(
      {},
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ),
  }),
  { deadline: 5_000 }, // Long enough for `first` to end, also on a machine that is busy.
)
