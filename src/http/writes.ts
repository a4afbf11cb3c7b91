import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { ask } from '#bus/command'
import { faults } from '#bus/fault'
import type { Answer } from '#bus/handle'
import { postFact } from '#bus/post'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { mustBeDefined, unlessUnknown } from './asked.ts'
import { problem, refused } from './problem.ts'
import { type App, positionHeader, type Site } from './site.ts'

const accepted = z.object({
  accepted: z.literal(true),
  position: z.string().nullable().describe('Where it is recorded; null where what was asked for held already'),
  note: z.string().optional().describe('What is to be known besides'),
})
/** What an order comes to. */
export const responses = {
  200: { description: 'Accepted', content: { 'application/json': { schema: accepted } } },
  409: { description: 'Refused', content: { 'application/problem+json': { schema: problem } } },
  default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
} as const
export const json = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true as const,
  content: { 'application/json': { schema } },
})
export const id = z
  .uuid()
  .optional()
  .describe('Kept when the same is sent again after a doubt, so that it is done once')

const startRun = createRoute({
  method: 'post',
  path: '/api/pipelines/{pipeline}/runs',
  operationId: 'startRun',
  summary: 'Ask for a run, whatever has arrived',
  request: {
    params: z.object({ pipeline: name }),
    body: json(exact({ message: z.string().max(1000).optional(), id })),
  },
  responses,
})

const command = createRoute({
  method: 'post',
  path: '/api/commands/{type}',
  operationId: 'command',
  summary: 'Ask a command of an aggregate’s owner',
  request: {
    params: z.object({ type: z.string().regex(/^[a-z]+\.[a-z-]+$/, 'use <aggregate>.<verb>') }),
    body: json(exact({ scope: name, key: name, data: z.unknown(), id })),
  },
  responses,
})

/** What a script may report: what it measured, and what it says about runs and artifacts. */
const reportable = z.enum(['tracking.metric-logged', 'tracking.param-logged', 'tracking.tagged', 'artifact.tagged'])

const fact = createRoute({
  method: 'post',
  path: '/api/facts',
  operationId: 'postFact',
  summary: 'Log a metric, a param or a tag from a script',
  request: { body: json(exact({ pipeline: name, type: reportable, data: z.unknown(), id })) },
  responses,
})

/** Writing asks the bus, in the name of whoever asks here. */
export const addWrites = (app: App, site: Site): void => {
  const { bus } = site
  app.post('/api/*', async (c, next) => {
    if (!/^application\/json\s*(;|$)/i.test(c.req.header('Content-Type') ?? ''))
      throw new HTTPException(415, { message: 'Say what is sent with Content-Type: application/json, if only {}' })
    await next()
  })

  app.openapi(startRun, async (c) => {
    const { pipeline } = c.req.valid('param')
    const { message, id: asked } = c.req.valid('json')
    const address = { aggregate: 'pipeline', scope: pipeline, key: 'self' }
    const data = message === undefined ? {} : { message }
    const wanted = { address, type: 'pipeline.start', data, ...(asked && { id: asked }) }
    const asking = ask(bus, wanted, { onBehalfOf: c.var.user })
    return answered(c, await asking.catch((cause: unknown) => unlessUnknown(site, cause, pipeline)))
  })

  app.openapi(command, async (c) => {
    const { type } = c.req.valid('param')
    const { scope, key, data, id: asked } = c.req.valid('json')
    const address = { aggregate: type.split('.')[0] ?? '', scope, key }
    if (namesSecret(data))
      throw faults.forbidden(`A secret is told with its link, to ${linksGo}: its key is taken from nobody`)
    const wanted = { address, type, data, ...(asked && { id: asked }) }
    return answered(c, await ask(bus, wanted, { onBehalfOf: c.var.user }))
  })

  app.openapi(fact, async (c) => {
    const { pipeline, type, data, id: posted } = c.req.valid('json')
    await mustBeDefined(site, pipeline)
    const known = { scope: pipeline, type, data, onBehalfOf: c.var.user, ...(posted && { id: posted }) }
    return answered(c, { accepted: true, position: await postFact(bus, known) })
  })

  app.all('/api/commands/*', onlyPosted)
  app.all('/api/facts', onlyPosted)
  app.all('/api/pipelines/:pipeline/runs', onlyPosted)
}

const linksGo = '/api/experiments/<id>/set-cloud-link'

/** Whether a command would use a secret by its key, whoever has put that away. */
const namesSecret = (data: unknown): boolean => {
  const { cloudLink } = (data ?? {}) as { readonly cloudLink?: { readonly secret?: unknown } | null }
  return cloudLink?.secret !== undefined
}

/** Says that an address takes POST alone. */
export const onlyPosted = (c: Context): never => {
  const message = `What is recorded is sent with POST, and ${c.req.path} is nothing else`
  throw new HTTPException(405, { message, res: new Response(null, { headers: { Allow: 'POST' } }) })
}

/** An owner's answer as HTTP has it. */
export const answered = (
  c: Context,
  answer: Answer | { readonly accepted: true; readonly position: string; readonly note?: string },
) => {
  if (!answer.accepted) return refused(c, answer) as never
  if (answer.position) c.header(positionHeader, answer.position)
  const { position = null, note } = answer
  return c.json({ accepted: true as const, position, ...(note !== undefined && { note }) }, 200)
}
