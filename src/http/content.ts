import { Readable } from 'node:stream'
import { z } from '@hono/zod-openapi'
import { faults } from '#bus/fault'
import { problemsOf } from '#contracts/all'
import { digest, name } from '#contracts/names'
import { serviceOf } from '#contracts/subjects'
import { problem } from './problem.ts'
import type { App, Site } from './site.ts'

/** How long a store may take to put bytes into its bucket, in milliseconds. */
const patience = 60_000

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
export const addContent = (app: App, { bus, signal }: Site): void => {
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
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
    },
  })
  app.get('/api/artifacts/:pipeline/:store/content', async (c) => {
    const parsed = asked.safeParse({ ...c.req.query(), ...c.req.param() })
    if (!parsed.success) throw faults.brokenQuery('content', problemsOf(parsed.error.issues), parsed.error.issues)
    const { pipeline, store, path, digest: expected } = parsed.data
    const subject = serviceOf(pipeline, store, 'provide', bus.principal)
    const found = provided.parse(await bus.request(subject, { path }, { timeout: patience }))
    if (expected && expected !== found.digest) throw faults.wrongBytes(expected, found.digest)

    const left = AbortSignal.any([signal, c.req.raw.signal])
    const bytes = bus.buckets.get(found.host, found.digest, left)[Symbol.asyncIterator]()
    const first = await bytes.next() // What is wrong from the start is a problem, not half an answer.
    const rest = { [Symbol.asyncIterator]: () => bytes }
    const body = async function* () {
      if (!first.done) yield first.value
      if (!first.done) yield* rest
    }
    return c.body(Readable.toWeb(Readable.from(body(), { objectMode: false })) as ReadableStream, 200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(found.size),
      'Content-Disposition': `attachment; filename*=UTF-8''${encoded(path)}`,
      'Content-Security-Policy': "sandbox; default-src 'none'",
      ETag: `"${found.digest}"`,
      'Millrace-Digest': found.digest,
    })
  })
}

/** A file's name as RFC 8187 has it. */
const encoded = (path: string): string =>
  encodeURIComponent(path.split('/').at(-1) ?? path).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
