import { describe, expect, test } from 'vitest'
import { expiryOf } from '#agents/uploads/expiry'
import { linkOf, withSecret } from '#agents/uploads/link-of'

const secret = 'a-secret-of-tests'

describe('a link is taken apart', () => {
  test.each([
    ['s3://results', { kind: 's3', bucket: 'results', prefix: '' }, undefined],
    [
      `s3://AKIA:${secret}/+a%40@results/deep/er/?endpoint=http://127.0.0.1:9000&region=eu-north-1`,
      { kind: 's3', bucket: 'results', prefix: 'deep/er', endpoint: 'http://127.0.0.1:9000', region: 'eu-north-1' },
      { accessKeyId: 'AKIA', secretAccessKey: `${secret}/+a@` },
    ],
    [
      `webdav+https://carol:${secret}%2F@cloud.example/remote.php/dav/a%20b`,
      { kind: 'webdav', url: 'https://cloud.example/remote.php/dav/a%20b' },
      { user: 'carol', password: `${secret}/` },
    ],
    ['webdav+http://cloud.example', { kind: 'webdav', url: 'http://cloud.example/' }, undefined],
    ['directory:some/folder/', { kind: 'directory', path: 'some/folder' }, undefined],
  ])('%s', (written, link, hidden) => {
    const read = linkOf(written)
    expect(read.link).toEqual(link)
    expect(read.secret === undefined ? undefined : JSON.parse(read.secret)).toEqual(hidden)
    expect(JSON.stringify(read.link)).not.toContain(secret)
    expect(withSecret(read.link, 'key')).toMatchObject(link)
  })

  test.each([
    'X-Amz-Signature',
    'X-Goog-Signature',
    'Signature',
    'sig',
  ])('one signed with %s is secret but its host', (name) => {
    const written = `https://store.example:8443/results/one.tar?a=b&${name}=${secret}`
    expect(linkOf(written)).toEqual({ link: { kind: 'signed-url', host: 'store.example:8443' }, secret: written })
  })
})

describe('a link that is none is refused with what was expected, and is not repeated', () => {
  test.each([
    [`ftp://x:${secret}@host/`, 'Expected s3://'],
    [secret, 'Expected s3://'],
    [`s3://AKIA:${secret}`, 'Expected s3://ACCESS:SECRET@bucket'],
    [`s3://AKIA:${secret}@`, 'there is no bucket'],
    [`s3://AKIA:${secret}@Not_A_Bucket/`, 'expected the name of a bucket'],
    [`s3://AKIA:${secret}@bucket/a/../b`, 'expected a path without ..'],
    [`s3://AKIA:${secret}@bucket?endpoint=http://me:${secret}@host`, 'https://host:port alone'],
    [`s3://AKIA:${secret}@bucket?endpoint=file:///etc`, 'https://host:port alone'],
    [`s3://AKIA:${secret}@bucket?token=${secret}`, 'more than endpoint and region'],
    [`s3://AKIA:${secret}%zz@bucket`, 'Write a % as %25'],
    [`https://carol:${secret}@host/?sig=1`, 'holds no user'],
    [`https://host/${secret}`, 'is not signed'],
    [`https://${secret}:x/?sig=1`, 'can not be read'],
    [`webdav+https://carol:${secret}@host/?a`, 'there is a ?'],
    ['webdav+https://', 'can not be read'],
    [`directory:/${secret}`, 'begins with /'],
    [`directory:a/../${secret}`, 'its folder is none'],
    ['directory:', 'its folder is none'],
    [`directory:a//${secret}`, 'its folder is none'],
    [`directory:a\0${secret}`, 'its folder is none'],
    [`s3://${secret.repeat(1_000)}`, 'longer than 8000'],
  ])('%j', (written, expected) => {
    const refused = () => linkOf(written)
    expect(refused).toThrow(expected)
    try {
      refused()
    } catch (thrown) {
      const { message, stack, cause } = thrown as Error
      expect(`${message} ${stack} ${JSON.stringify(cause)}`).not.toContain(secret)
    }
  })
})

test.each([
  ['X-Amz-Date=20261128T120000Z&X-Amz-Expires=60', '2026-11-28T12:01:00.000Z'],
  ['X-Goog-Date=20261128T120000Z&X-Goog-Expires=3600', '2026-11-28T13:00:00.000Z'],
  ['se=2026-11-28T12%3A00%3A00Z&sv=1', '2026-11-28T12:00:00.000Z'],
  ['Expires=1700000000', '2023-11-14T22:13:20.000Z'],
  ['X-Amz-Date=never&X-Amz-Expires=60', undefined],
  ['sig=1', undefined],
])('an address says in its query when it expires: %s', (query, expected) => {
  expect(expiryOf(new URL(`https://store.example/x?${query}`))?.toISOString()).toBe(expected)
})
