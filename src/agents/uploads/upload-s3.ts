import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type AgentOptions, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { S3Client } from '@aws-sdk/client-s3'
import { faults } from '#bus/fault'
import type { CloudLink } from '#contracts/cloud-link'
import type { S3Keys } from './link-of.ts'
import { base64Of, partsOf } from './upload-parts.ts'
import { faultOfS3 } from './upload-s3-faults.ts'
import type { FileByFile, SentFile, Target } from './upload-target.ts'

type S3Link = Extract<CloudLink, { kind: 's3' }>

/** How long it may take until a server takes a connection, and how long nothing may come or go, in milliseconds. */
const [connectWithin, silence] = [10_000, 60_000]

/** What goes wrong is told once, by a fault. */
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * A bucket. Each object is put with its SHA-256, which the server checks, and keeps it in its metadata too, for servers that do not
 * tell checksums: what lies there with the same one is left alone. What is larger than 64 MiB goes in parts, and is there whole or
 * not at all. Without keys those of this process's environment are shown.
 */
export const s3Target = async (
  link: S3Link,
  keys: S3Keys | undefined,
  lookup?: AgentOptions['lookup'],
): Promise<Target> => {
  const sdk = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
    throw faults.notInstalled('@aws-sdk/client-s3', 'A cloud link of kind s3', cause)
  })
  const { bucket: Bucket, prefix, endpoint, region = process.env.AWS_REGION ?? 'us-east-1' } = link
  const client: S3Client = new sdk.S3Client({
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(keys && { credentials: keys }),
    // What is tried again is decided in one place, and each checksum is said where it is known.
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    logger: silent,
    requestHandler: {
      connectionTimeout: connectWithin,
      socketTimeout: silence,
      ...(lookup && { httpAgent: new HttpAgent({ lookup }), httpsAgent: new HttpsAgent({ lookup }) }),
    },
  })
  const told = `s3://${Bucket}${prefix && `/${prefix}`}${endpoint ? ` at ${new URL(endpoint).host}` : ''}`
  const keyOf = (path: string): string => (prefix === '' ? path : `${prefix}/${path}`)
  const telling = async <T>(doing: string, act: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      signal.throwIfAborted()
      throw faultOfS3(told, Bucket, doing, cause)
    }
  }

  const isThere = async (Key: string, size: number, sha256: string, abortSignal: AbortSignal): Promise<boolean> => {
    const asked = new sdk.HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' })
    const found = await client
      .send(asked, { abortSignal })
      .catch((cause: { $metadata?: { httpStatusCode?: number } }) => {
        // A link that may write alone may not look: then it is written.
        const status = cause.$metadata?.httpStatusCode
        if (status === 404 || status === 403) return undefined
        throw cause
      })
    if (found?.ContentLength !== size) return false
    return found.ChecksumSHA256 === base64Of(sha256) || found.Metadata?.sha256 === sha256
  }

  const send = async (Key: string, { file, size, sha256 }: SentFile, abortSignal: AbortSignal): Promise<void> => {
    const place = { Bucket, Key }
    const parts = await partsOf({ file, size, sha256 })
    const bytesOf = ({ start, length }: { readonly start: number; readonly length: number }) =>
      length === 0 ? Buffer.alloc(0) : createReadStream(file, { start, end: start + length - 1 })
    const Metadata = { sha256 }
    const [only] = parts
    if (only && parts.length === 1) {
      const sent = { ContentLength: size, ChecksumSHA256: only.sha256, Metadata }
      await client.send(new sdk.PutObjectCommand({ ...place, ...sent, Body: bytesOf(only) }), { abortSignal })
      return
    }
    const begun = new sdk.CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'SHA256', Metadata })
    const { UploadId } = await client.send(begun, { abortSignal })
    try {
      const done: {
        readonly ETag: string | undefined
        readonly PartNumber: number
        readonly ChecksumSHA256: string
      }[] = []
      for (const part of parts) {
        const which = { UploadId, PartNumber: done.length + 1, ContentLength: part.length, ChecksumSHA256: part.sha256 }
        const asked = new sdk.UploadPartCommand({ ...place, ...which, Body: bytesOf(part) })
        const { ETag } = await client.send(asked, { abortSignal })
        done.push({ ETag, PartNumber: which.PartNumber, ChecksumSHA256: part.sha256 })
      }
      const whole = { UploadId, MultipartUpload: { Parts: done } }
      await client.send(new sdk.CompleteMultipartUploadCommand({ ...place, ...whole }), { abortSignal })
    } catch (cause) {
      await client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined)
      throw cause
    }
  }

  const put: FileByFile['put'] = (path, sent, signal) =>
    telling(
      `take ${path}`,
      async () => {
        if (await isThere(keyOf(path), sent.size, sent.sha256, signal)) return 'there'
        await send(keyOf(path), sent, signal)
        return 'sent'
      },
      signal,
    )

  const probe: Target['probe'] = async (signal) => {
    const place = { Bucket, Key: keyOf(`.probe-${randomUUID()}`) }
    const written = new sdk.PutObjectCommand({ ...place, Body: Buffer.from('probe'), ContentLength: 5 })
    await telling('take a small object', () => client.send(written, { abortSignal: signal }), signal)
    const removed = new sdk.DeleteObjectCommand(place)
    await telling('remove a small object', () => client.send(removed, { abortSignal: signal }), signal)
  }

  return { takes: 'files', told, probe, put, close: () => client.destroy() }
}
