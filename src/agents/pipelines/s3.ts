import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { faults } from '#bus/fault'
import type { Item, Resource } from './resource.ts'

export type S3Options = {
  readonly bucket: string
  /** Only what lies under it is seen; paths begin behind it. It ends with `/` whether that is said or not. */
  readonly prefix?: string
  /** The address of a server that is not Amazon's. */
  readonly endpoint?: string
  /** By default what the AWS environment says; us-east-1 where there is an endpoint and nothing is said. */
  readonly region?: string
  /** Whether the bucket stands in the path of an address, not in its host; it does where there is an endpoint. */
  readonly forcePathStyle?: boolean
  /** By default what the AWS environment has: variables, profiles, roles. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/** What has so many bytes or fewer is held in memory while it is put, so that the client can try again by itself. */
const small = 1024 * 1024

/** One put may have so many bytes; what is larger goes in parts of a size, of which there may be so many. */
const largestPut = 64 * 1024 * 1024
const mostParts = 10_000

/**
 * A bucket as a resource: `resourceStore({ resource: () => s3Bucket({ bucket }), … })`. The version of an object is its ETag.
 * Bytes are streamed both ways; a file of more than 64 MiB is put in parts, and is there whole or not at all. Without
 * `overwrite` it is put under the condition that nothing is there (`If-None-Match: *`), which the server checks: one that
 * knows no conditional writes would overwrite. What looks like a folder (a key that ends with `/`) is passed over.
 */
export const s3Bucket = async ({ bucket: Bucket, prefix = '', ...options }: S3Options): Promise<Resource> => {
  const sdk = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
    throw faults.notInstalled('@aws-sdk/client-s3', 's3Bucket', cause)
  })
  const before = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
  const { endpoint, region = endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1') } = options
  const { forcePathStyle = endpoint !== undefined, credentials } = options
  const client: S3Client = new sdk.S3Client({
    forcePathStyle,
    // Checksums that others than Amazon may not know are left out there.
    ...(endpoint !== undefined && {
      endpoint,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
    ...(region !== undefined && { region }),
    ...(credentials && { credentials }),
  })
  const keyOf = (path: string): string => before + path

  async function* list({ signal: abortSignal }: { readonly signal: AbortSignal }): AsyncIterable<Item> {
    for (let token: string | undefined; ; ) {
      const page = await client.send(
        new sdk.ListObjectsV2Command({ Bucket, Prefix: before, ...(token && { ContinuationToken: token }) }),
        { abortSignal },
      )
      for (const { Key = '', ETag, Size } of page.Contents ?? [])
        if (!Key.endsWith('/') && ETag !== undefined)
          yield { path: Key.slice(before.length), version: ETag, ...(Size !== undefined && { size: Size }) }
      if (!page.IsTruncated || !page.NextContinuationToken) return
      token = page.NextContinuationToken
    }
  }

  const read: Resource['read'] = async (path, { version, signal: abortSignal }) => {
    const asked = new sdk.GetObjectCommand({ Bucket, Key: keyOf(path), IfMatch: version })
    const { Body } = await client.send(asked, { abortSignal })
    if (!Body) throw new Error(`${path} has no bytes`)
    return Body as unknown as AsyncIterable<Uint8Array>
  }

  const write: Resource['write'] = async (path, { file, size }, { overwrite, signal: abortSignal }) => {
    const place = { Bucket, Key: keyOf(path) }
    const unless = overwrite ? {} : { IfNoneMatch: '*' }
    const taken = (cause: unknown): never => {
      const { name } = cause as Error
      if (name !== 'PreconditionFailed' && name !== 'ConditionalRequestConflict') throw cause
      throw new Error(`${path} is in the bucket ${Bucket} already`)
    }
    if (size <= largestPut) {
      const Body = size <= small ? await readFile(file) : createReadStream(file)
      await client
        .send(new sdk.PutObjectCommand({ ...place, Body, ContentLength: size, ...unless }), { abortSignal })
        .catch(taken)
      return
    }
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(place), { abortSignal })
    try {
      const step = Math.max(largestPut, Math.ceil(size / mostParts))
      const Parts: { readonly ETag: string | undefined; readonly PartNumber: number }[] = []
      for (let start = 0; start < size; start += step) {
        const end = Math.min(size, start + step)
        const part = { UploadId, PartNumber: Parts.length + 1, ContentLength: end - start }
        const Body = createReadStream(file, { start, end: end - 1 })
        const { ETag } = await client.send(new sdk.UploadPartCommand({ ...place, ...part, Body }), { abortSignal })
        Parts.push({ ETag, PartNumber: part.PartNumber })
      }
      const done = { UploadId, MultipartUpload: { Parts } }
      await client.send(new sdk.CompleteMultipartUploadCommand({ ...place, ...done, ...unless }), { abortSignal })
    } catch (cause) {
      await client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined)
      taken(cause)
    }
  }

  return { list, read, write }
}
