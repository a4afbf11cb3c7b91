import type { Fault } from '#bus/fault'
import { faultOfBreak, faultOfStatus, uploadFaults } from './upload-faults.ts'

type Said = {
  readonly name?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Names that tell more than the status does. */
const passing = new Set([
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'InternalError',
  'ServiceUnavailable',
  'TimeoutError',
])
const ofKeys = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'TokenRefreshRequired',
  'AccessDenied',
])
const ofRoom = new Set(['QuotaExceeded', 'EntityTooLarge', 'XMinioStorageFull', 'StorageFull', 'TooManyParts'])
const ofBytes = new Set(['BadDigest', 'XAmzContentChecksumMismatch', 'InvalidDigest', 'IncompleteBody'])

/** What S3 said, to whoever sees to it. */
export const faultOfS3 = (told: string, bucket: string, doing: string, cause: unknown): Fault => {
  const { name = '', message = '', $metadata } = cause as Said
  const status = $metadata?.httpStatusCode
  const said = `${name}${message && message !== name ? `, ${message.slice(0, 200)}` : ''}`
  if (name === 'CredentialsProviderError')
    return uploadFaults.refused(told, doing, 'neither the link nor the environment of the portal has keys for it')
  if (name === 'NoSuchBucket')
    return uploadFaults.refused(
      told,
      doing,
      `there is no bucket ${bucket}`,
      'Make it there, or set a new cloud link, and retry',
    )
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed')
    return uploadFaults.refused(told, doing, said, 'Set a new cloud link with the region of the bucket, and retry')
  if (ofKeys.has(name)) return uploadFaults.refused(told, doing, said)
  if (ofRoom.has(name)) return uploadFaults.refused(told, doing, said, 'Make room there, and retry')
  if (passing.has(name) || ofBytes.has(name)) return uploadFaults.unavailable(told, doing, said, cause)
  return (status !== undefined && faultOfStatus(told, doing, status, said)) || faultOfBreak(told, doing, cause)
}
