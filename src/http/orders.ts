import { createRoute, z } from '@hono/zod-openapi'
import { ask } from '#bus/command'
import { faults } from '#bus/fault'
import { commands } from '#contracts/all'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import type { Graph } from '#contracts/pipeline'
import { type Preview, preview, repetition } from '#contracts/repetition'
import { serviceOf } from '#contracts/subjects'
import { digits, unlessUnknown } from './asked.ts'
import { problem } from './problem.ts'
import type { App, Site } from './site.ts'
import { answered, id as idSchema, json, onlyPosted, responses } from './writes.ts'

const reason = exact({ reason: z.string().max(1000).optional(), id: idSchema })
const nothing = exact({ id: idSchema })
const again = exact({
  from: repetition.shape.from.optional(),
  definition: repetition.shape.definition.optional(),
  message: z.string().max(1000).optional(),
  id: idSchema,
})

type Given = { readonly pipeline: string; readonly run?: number; readonly request?: string }

/** What people ask of a pipeline or of one of its runs: where it is posted, which command that is, and what may be said. */
const orders = [
  { at: '/api/pipelines/{pipeline}/pause', type: 'pipeline.pause', body: reason },
  { at: '/api/pipelines/{pipeline}/resume', type: 'pipeline.resume', body: nothing },
  { at: '/api/pipelines/{pipeline}/requests/{request}/withdraw', type: 'pipeline.withdraw', body: reason },
  { at: '/api/runs/{pipeline}/{run}/cancel', type: 'run.cancel', body: reason },
  { at: '/api/runs/{pipeline}/{run}/pause', type: 'run.pause', body: reason },
  { at: '/api/runs/{pipeline}/{run}/resume', type: 'run.resume', body: nothing },
  { at: '/api/runs/{pipeline}/{run}/rerun', type: 'pipeline.rerun', body: again },
] as const satisfies readonly {
  readonly at: string
  readonly type: keyof typeof commands
  readonly body: z.ZodType
}[]

const routeOf = ({ at, type, body }: (typeof orders)[number]) =>
  createRoute({
    method: 'post',
    path: at,
    operationId: type.replaceAll(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary: commands[type].description,
    request: {
      params: z.object({
        pipeline: name,
        ...(at.includes('{run}') && { run: digits }),
        ...(at.includes('{request}') && { request: z.string().max(128) }),
      }),
      body: json(body as z.ZodType),
    },
    responses,
  })

const previewRoute = createRoute({
  method: 'get',
  path: '/api/runs/{pipeline}/{run}/rerun',
  operationId: 'previewRerun',
  summary: 'What a run that repeats this one would execute again, and what it would reuse',
  request: {
    params: z.object({ pipeline: name, run: digits }),
    query: z.object({
      from: z
        .string()
        .optional()
        .describe('start, failed, or nodes as <pipeline>/<node> with a comma between; start unless said'),
      definition: repetition.shape.definition.optional(),
    }),
  },
  responses: {
    200: {
      description: 'Each node, and the run whose results would stand for it',
      content: {
        'application/json': {
          schema: preview,
        },
      },
    },
    default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
  },
})

/** Which part of a run is repeated, as a query says it. */
const fromIn = (text: string | undefined): string | readonly string[] | undefined =>
  text?.includes('/') ? text.split(',') : text

/** What people ask of runs and pipelines, in the name of whoever asks here; the owner decides. */
export const addOrders = (app: App, { bus, viewer }: Site): void => {
  const keeperOf = async (pipeline: string): Promise<string> => {
    const { items } = (await viewer.ask('graphs', { pipeline })).value as {
      readonly items: readonly { graph: Graph }[]
    }
    const keeper = items[0]?.graph.nodes.find(({ kind }) => kind === 'metadata-store')
    if (!keeper) throw faults.nothingThere(`metadata store of a pipeline ${pipeline}, so it has no runs`)
    return keeper.name
  }

  for (const order of orders) {
    const { type, at } = order
    app.openapi(routeOf(order), async (c) => {
      const { pipeline, run, request } = c.req.valid('param') as Given
      const { id, ...said } = c.req.valid('json') as { readonly id?: string }
      const ofRun = type.startsWith('run.')
      const address = { aggregate: ofRun ? 'run' : 'pipeline', scope: pipeline, key: ofRun ? String(run) : 'self' }
      const about = { ...(!ofRun && run !== undefined && { run }), ...(request !== undefined && { request }) }
      const asked = { address, type, data: { ...said, ...about }, ...(id !== undefined && { id }) }
      return answered(
        c,
        await ask(bus, asked, { onBehalfOf: c.var.user }).catch((cause: unknown) =>
          unlessUnknown({ viewer }, cause, pipeline),
        ),
      )
    })
    if (!at.endsWith('/rerun')) app.all(at.replaceAll(/\{(\w+)\}/g, ':$1'), onlyPosted)
  }

  app.openapi(previewRoute, async (c) => {
    const { pipeline, run } = c.req.valid('param')
    const { from, definition } = c.req.valid('query')
    const store = await keeperOf(pipeline)
    const asked = { run, ...(from && { from: fromIn(from) }), ...(definition && { definition }) }
    const found = await bus.request(serviceOf(pipeline, store, 'repeat', bus.principal), asked, { timeout: 30_000 })
    return c.json(found as Preview, 200)
  })
}
