import { metadataStore, pipeline } from 'millrace'

const nothing = () => undefined

/** Ten nodes in a row that do nothing; eight runs may be under way at once. */
export const chain = pipeline(
  'chain',
  { metadata_store: metadataStore({ path: './chain/metadata.db' }) },
  (action) =>
    Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [
        `node${at}`,
        action({ after: at === 0 ? ['metadata_store'] : [`node${at - 1}`], concurrency: 8 }, nothing),
      ]),
    ),
  { concurrency: 8 },
)

/** A node, two hundred behind it, and one behind all of those. */
export const fan = pipeline('fan', { fan_store: metadataStore({ path: './fan/metadata.db' }) }, (action) => ({
  first: action({}, nothing),
  ...Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`wide${at}`, action({ after: ['first'] }, nothing)])),
  last: action({ after: Array.from({ length: 200 }, (_, at) => `wide${at}`) }, nothing),
}))
