import { expect, test } from 'vitest'
import { lookupOf, type Reach } from '#agents/uploads/reach'
import { targetOf } from '#agents/uploads/target-of'
import type { CloudLink } from '#contracts/cloud-link'

const nowhere: Reach = { privateHosts: [], ownKeys: false }
const inside: CloudLink = { kind: 'webdav', url: 'http://127.0.0.1:9/dav' }
const named: CloudLink = { kind: 'webdav', url: 'http://localhost:9/dav' }
const s3: CloudLink = { kind: 's3', bucket: 'somebodys', prefix: '' }

test('a link into a private network is refused, unless the portal allows its host by name', () => {
  expect(() => lookupOf(inside, nowhere)).toThrow(/127\.0\.0\.1 refused to be reached: it is in a private network/)
  expect(() => lookupOf({ ...s3, endpoint: 'http://10.0.0.7:9000', secret: 'k' }, nowhere)).toThrow(/private network/)
  expect(() => lookupOf({ kind: 'signed-url', host: '[::1]:80', secret: 'k' }, nowhere)).toThrow(/private network/)
  expect(lookupOf(inside, { ...nowhere, privateHosts: ['127.0.0.1'] })).toBeUndefined()
})

test('a name that leads into a private network is not connected to', async () => {
  const target = await targetOf(named, undefined, { directories: undefined, reach: nowhere })
  await expect(target.probe(AbortSignal.timeout(10_000))).rejects.toThrow(/localhost is in a private network/)
  const bucket = { ...s3, endpoint: 'http://localhost:9', secret: 'k' }
  const keys = JSON.stringify({ accessKeyId: 'a', secretAccessKey: 'b' })
  const other = await targetOf(bucket, keys, { directories: undefined, reach: nowhere })
  await expect(other.probe(AbortSignal.timeout(10_000))).rejects.toThrow(/localhost is in a private network/)
})

test('a link to S3 without keys is not given those of the portal, unless that is allowed', () => {
  expect(() => lookupOf(s3, nowhere)).toThrow(/no keys, and the portal does not lend its own/)
  expect(lookupOf(s3, { ...nowhere, ownKeys: true })).toBeUndefined()
})
