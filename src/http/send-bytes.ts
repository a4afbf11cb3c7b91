import { Readable } from 'node:stream'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Bus } from '#bus/bus'
import { problem } from './problem.ts'
import { part, rangeIn } from './range.ts'

/** What `sendBytes` answers, as a route says it. */
export const bytesResponses = {
  200: {
    description: 'The bytes',
    content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
  },
  206: { description: 'The bytes of one range' },
  416: { description: 'The range begins behind the last byte' },
  default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
}

/** Bytes that lie in a host's bucket, and what they are called. */
export type Found = { readonly path: string; readonly digest: string; readonly size: number; readonly host: string }

/**
 * Sends bytes out of a bucket, all of them or the range that is asked for: as a file to be kept, which no browser takes for a page of
 * this server.
 */
export const sendBytes = async (
  c: Context,
  { buckets }: Pick<Bus, 'buckets'>,
  found: Found,
  left: AbortSignal,
): Promise<Response> => {
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename*=UTF-8''${encoded(found.path)}`,
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'Accept-Ranges': 'bytes',
    ETag: `"${found.digest}"`,
    'Millrace-Digest': found.digest,
  }
  const whole = { ...headers, 'Content-Length': String(found.size) }
  if (c.req.method === 'HEAD') return c.body(null, 200, whole) // Nobody would read the bytes.
  const range = rangeIn(c, found)
  if (range === 'outside') return c.body(null, 416, { ...headers, 'Content-Range': `bytes */${found.size}` })

  const all = buckets.get(found.host, found.digest, left)
  const bytes = (range ? part(all, range) : all)[Symbol.asyncIterator]()
  const first = await bytes.next() // What is wrong from the start is a problem, not half an answer.
  const rest = { [Symbol.asyncIterator]: () => bytes }
  const body = async function* () {
    if (!first.done) yield first.value
    if (!first.done) yield* rest
  }
  const stream = Readable.toWeb(Readable.from(body(), { objectMode: false })) as ReadableStream
  if (!range) return c.body(stream, 200, whole)
  return c.body(stream, 206, {
    ...headers,
    'Content-Length': String(range.to + 1 - range.from),
    'Content-Range': `bytes ${range.from}-${range.to}/${found.size}`,
  })
}

/** A file's name as RFC 8187 has it. */
const encoded = (path: string): string =>
  encodeURIComponent(path.split('/').at(-1) ?? path).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
