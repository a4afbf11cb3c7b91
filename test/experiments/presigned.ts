import { createHash, createHmac } from 'node:crypto'
import type { S3Server } from '../s3-server.ts'

const sealed = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const region = 'us-east-1'

/** An address at which an object can be put for so many seconds, as Amazon's SDKs sign one. */
export const presignedPut = (
  { endpoint, credentials }: S3Server,
  path: string,
  { from = new Date(), seconds = 600 } = {},
): string => {
  const url = new URL(path, endpoint)
  const time = from.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const day = time.slice(0, 8)
  const scope = `${day}/${region}/s3/aws4_request`
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
  })
  const asked = ['PUT', url.pathname, String(query), `host:${url.host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const said = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(asked).digest('hex')].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce<string | Buffer>(sealed, `AWS4${credentials.secretAccessKey}`)
  query.set('X-Amz-Signature', sealed(key, said).toString('hex'))
  url.search = String(query)
  return url.href
}
