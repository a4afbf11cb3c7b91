/** What a config imports that keeps a bucket as a node: `import { s3Bucket } from 'millrace/s3'`. */
export { type S3Options, s3Bucket } from './pipelines/s3.ts'
