/** What a user's config imports: `import { pipeline, filesystemStore } from 'millrace'`. */
export { filesystemStore, metadataClient, metadataStore, pipeline, storeClient } from './pipelines/define.ts'
export type { Context, InputFile, Listed, Pipeline } from './pipelines/shape.ts'
