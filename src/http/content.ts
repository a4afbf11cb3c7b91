import { Readable } from 'node:stream'
import { z } from '@hono/zod-openapi'
import { orAborted } from '#bus/abort'
import { Fault, faults } from '#bus/fault'
import { problemsOf } from '#contracts/all'
import { digest, name } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import { problem } from './problem.ts'
import { part, rangeIn } from './range.ts'
import type { App, Site } from './site.ts'

/** How long a store may take to answer, and how often it is asked again while it puts many bytes into its bucket. */
const patience = 60_000
const tries = 10

const isInside = (path: string): boolean =>
  !path.startsWith('/') && !/[\\\0]/.test(path) && !path.split('/').some((step) => step === '..' || step === '.')

const asked = z.strictObject({
  pipeline: name,
  store: name,
  path: z.string().min(1).max(4096).refine(isInside, 'use a path inside the store, without ..'),
  digest: digest.optional().describe('Which bytes are expected there'),
})

const provided = z.object({ path: z.string(), digest, size: z.int().nonnegative(), host: name })

/** Streams an artifact's bytes. The store's host puts them into its bucket first where they no longer lie there. */
export const addContent = (app: App, { bus, signal, patience: timeout = patience }: Site): void => {
  const provide = async (subject: string, path: string, left: AbortSignal): Promise<z.output<typeof provided>> => {
    for (let asked = 1; ; asked++) {
      try {
        return provided.parse(await orAborted(bus.request(subject, { path }, { timeout }), left))
      } catch (cause) {
        const isSlow = cause instanceof Fault && cause.code === 'bus.timeout'
        if (left.aborted) throw faults.closed(subject)
        if (!isSlow || asked === tries) throw cause
      }
    }
  }

  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/api/artifacts/{pipeline}/{store}/content',
    operationId: 'content',
    summary: 'The bytes of an artifact',
    request: { params: asked.pick({ pipeline: true, store: true }), query: asked.pick({ path: true, digest: true }) },
    responses: {
      200: {
        description: 'The bytes',
        content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
      },
      206: { description: 'The bytes of one range' },
      416: { description: 'The range begins behind the last byte' },
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
    },
  })
  app.get('/api/artifacts/:pipeline/:store/content', async (c) => {
    const parsed = asked.safeParse({ ...c.req.query(), ...c.req.param() })
    if (!parsed.success) throw faults.brokenQuery('content', problemsOf(parsed.error.issues), parsed.error.issues)
    const { pipeline, store, path, digest: expected } = parsed.data
    const subject = serviceOf(pipeline, store, 'provide', bus.principal)
    const left = AbortSignal.any([signal, c.req.raw.signal])
    const found = await provide(subject, path, left)
    if (expected && expected !== found.digest) throw faults.wrongBytes(expected, found.digest)

    const headers = {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': `attachment; filename*=UTF-8''${encoded(path)}`,
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'Accept-Ranges': 'bytes',
      ETag: `"${found.digest}"`,
      'Millrace-Digest': found.digest,
    }
    const whole = { ...headers, 'Content-Length': String(found.size) }
    if (c.req.method === 'HEAD') return c.body(null, 200, whole) // Nobody would read the bytes.
    const range = rangeIn(c, found)
    if (range === 'outside') return c.body(null, 416, { ...headers, 'Content-Range': `bytes */${found.size}` })

    const all = bus.buckets.get(found.host, found.digest, left)
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
  })
}

/** A file's name as RFC 8187 has it. */
const encoded = (path: string): string =>
  encodeURIComponent(path.split('/').at(-1) ?? path).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
