/** What a user's config imports: `import { pipeline, filesystemStore } from 'millrace'`. */
export {
  datasetRegistry,
  filesystemStore,
  metadataClient,
  metadataStore,
  modelRegistry,
  pipeline,
  resourceStore,
  storeClient,
} from './pipelines/define.ts'
export type { InputFile, Listed } from './pipelines/handles.ts'
export type { Item, Resource, Written } from './pipelines/resource.ts'
export type { Context, Pipeline } from './pipelines/shape.ts'
