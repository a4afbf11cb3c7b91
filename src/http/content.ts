import { z } from '@hono/zod-openapi'
import { faults } from '#bus/fault'
import { exact } from '#contracts/fields'
import { digest, name } from '#contracts/names'
import { askStore, checked } from './asked.ts'
import { bytesResponses, sendBytes } from './send-bytes.ts'
import type { App, Site } from './site.ts'

const isInside = (path: string): boolean =>
  !path.startsWith('/') && !/[\\\0]/.test(path) && !path.split('/').some((step) => step === '..' || step === '.')

/** A path inside a store, as a query says it. */
export const artifactPath = z.string().min(1).max(4096).refine(isInside, 'use a path inside the store, without ..')

const asked = exact({
  pipeline: name,
  store: name,
  path: artifactPath,
  digest: digest.optional().describe('Which bytes are expected there'),
})

const provided = z.object({ path: z.string(), digest, size: z.int().nonnegative(), host: name })

/** Streams an artifact's bytes. The store's host puts them into its bucket first where they no longer lie there. */
export const addContent = (app: App, site: Site): void => {
  const { bus, signal } = site
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/api/artifacts/{pipeline}/{store}/content',
    operationId: 'content',
    summary: 'The bytes of an artifact',
    request: { params: asked.pick({ pipeline: true, store: true }), query: asked.pick({ path: true, digest: true }) },
    responses: bytesResponses,
  })
  app.get('/api/artifacts/:pipeline/:store/content', async (c) => {
    const said = { ...c.req.query(), ...c.req.param() }
    const { pipeline, store, path, digest: expected } = checked('content', asked, said)
    const left = AbortSignal.any([signal, c.req.raw.signal])
    const found = provided.parse(
      await askStore({ ...site, user: c.var.user }, { pipeline, store, verb: 'provide' }, { path }, left),
    )
    if (expected && expected !== found.digest) throw faults.wrongBytes(expected, found.digest)
    return sendBytes(c, bus, { ...found, path }, left)
  })
}
