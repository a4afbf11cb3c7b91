import { filesystemStore, metadataStore, pipeline } from 'millrace'

const metadata_store = metadataStore({ path: './testing_artifacts/metadata_store/metadata.db' })
const data_store = filesystemStore({ path: './testing_artifacts/data_store', watch: true })

export const simplest = pipeline('simplest', { metadata_store, data_store }, (action) => ({
  logging_node: action({ after: ['data_store'] }, ({ run, log }) => {
    for (const { path } of run.inputs.data_store) log.info(`run ${run.number}: ${path}`)
  }),
}))
