import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import { z } from '@hono/zod-openapi'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { digest, name } from '#contracts/names'
import { askStore, checked } from './asked.ts'
import { artifactPath } from './content.ts'
import { problem } from './problem.ts'
import type { App, Site } from './site.ts'

const pairs = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => (typeof given === 'string' ? [given] : given))
  .pipe(z.array(z.string().regex(/^[^=]+=/, 'use key=value')))
  .transform((some) =>
    Object.fromEntries(some.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])),
  )

const asked = exact({
  pipeline: name,
  store: name,
  path: artifactPath,
  overwrite: z.enum(['true', 'false']).optional().describe('Whether what lies there may be replaced'),
  tag: pairs.optional().describe('key=value, as often as there are tags'),
  digest: digest.optional().describe('What the bytes must be: they are refused where they are not'),
})

const stored = z.object({ path: z.string(), digest, size: z.int().nonnegative() })

/** Takes an artifact's bytes: they are spooled to disk, put into this process's bucket, and fetched from there by the store's host. */
export const addUpload = (app: App, site: Site): void => {
  const { bus, signal } = site
  const parameters = asked.pick({ path: true, overwrite: true, tag: true, digest: true })
  app.openAPIRegistry.registerPath({
    method: 'put',
    path: '/api/artifacts/{pipeline}/{store}/content',
    operationId: 'upload',
    summary: 'Send the bytes of an artifact to a store; answered once they lie verified there',
    request: {
      params: asked.pick({ pipeline: true, store: true }),
      query: parameters,
      body: { content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } } },
    },
    responses: {
      200: { description: 'It lies there', content: { 'application/json': { schema: stored } } },
      409: {
        description: 'Something lies there already',
        content: { 'application/problem+json': { schema: problem } },
      },
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
    },
  })

  app.put('/api/artifacts/:pipeline/:store/content', async (c) => {
    const { tag: _, ...query } = c.req.query()
    const said = { ...query, ...c.req.param(), ...(c.req.queries('tag') && { tag: c.req.queries('tag') }) }
    const { pipeline, store, path, overwrite, tag: tags = {}, digest: expected } = checked('content', asked, said)
    const left = AbortSignal.any([signal, c.req.raw.signal])
    const folder = await mkdtemp(join(tmpdir(), 'millrace-upload-'))
    try {
      const file = join(folder, 'bytes')
      const found = await spooled(c.req.raw.body, file, left)
      if (expected && expected !== found) throw faults.wrongBytes(expected, found)
      const bytes = () =>
        Readable.toWeb(createReadStream(file, { highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array>
      await bus.buckets.put(bus.principal, found, bytes)
      const from = `${pipeline}/${bus.principal}`
      const about = { from, tags, overwrite: overwrite === 'true', call: randomUUID() }
      const body = { path, digest: found, host: bus.principal, ...about }
      return c.json(
        stored.parse(await askStore({ ...site, user: c.var.user }, { pipeline, store, verb: 'receive' }, body, left)),
      )
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

/** Writes a body to a file, however large it is; gives its SHA-256. */
const spooled = async (body: ReadableStream<Uint8Array> | null, file: string, signal: AbortSignal): Promise<string> => {
  const hash = createHash('sha256')
  const hashing = new Transform({
    transform: (chunk: Buffer, _, done) => {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const bytes = body ? Readable.fromWeb(body as never) : Readable.from([])
  await through(bytes, hashing, createWriteStream(file), { signal })
  return hash.digest('hex')
}
