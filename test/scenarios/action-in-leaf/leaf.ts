import { metadataClient, pipeline } from 'millrace'
import type { root } from './root.ts'

export const leaf = pipeline(
  'leaf_pipeline',
  { metadata: metadataClient<typeof root>('root_pipeline/metadata_store') },
  (action) => ({
    shakespeare_eval: action({}, async ({ stores }) => {
      const { number } = await stores.metadata.run()
      await stores.metadata.logMetric('shakespeare_loss', number + 0.25)
      const all = await stores.metadata.metrics()
      return `run ${number} sees ${all.filter(({ key }) => key === 'shakespeare_loss').length}`
    }),
    haiku_eval: action({}, async ({ stores }) => {
      const { number } = await stores.metadata.run()
      await stores.metadata.logMetric('haiku_loss', number + 0.5)
      const all = await stores.metadata.metrics()
      return `run ${number} sees ${all.filter(({ key }) => key === 'haiku_loss').length}`
    }),
  }),
)
