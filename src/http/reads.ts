import type { Context } from 'hono'
import { z } from 'zod'
import type { View } from '#projections/view'
import { paramsOf } from '#projections/viewer'
import { type ViewName, viewNames, views } from '#projections/views'
import { problem } from './problem.ts'
import { type App, positionHeader, type Site } from './site.ts'

/** Where each view is read. A view without an address does not compile. */
const pathOf: Readonly<Record<ViewName, string>> = {
  runs: '/api/runs',
  run: '/api/runs/{pipeline}/{run}',
  spans: '/api/runs/{pipeline}/{run}/spans',
  nodes: '/api/nodes',
  attempts: '/api/attempts',
  ignored: '/api/ignored',
  triggers: '/api/triggers',
  requests: '/api/requests',
  offers: '/api/offers',
  pauses: '/api/pauses',
  waits: '/api/waits',
  graphs: '/api/graphs',
  graph: '/api/graph',
  artifacts: '/api/artifacts',
  history: '/api/artifacts/history',
  'artifact-tags': '/api/artifact-tags',
  edges: '/api/edges',
  metrics: '/api/metrics',
  params: '/api/params',
  tags: '/api/tags',
  hosts: '/api/hosts',
  why: '/api/why',
  'used-by': '/api/used-by',
  rejected: '/api/rejected',
  status: '/api/status',
  experiments: '/api/experiments',
  experiment: '/api/experiments/{experiment}',
  'experiment-history': '/api/experiments/{experiment}/history',
  'experiment-steps': '/api/experiments/{experiment}/steps',
  inbox: '/api/inbox',
  sites: '/api/sites',
  'end-nodes': '/api/end-nodes',
  reservations: '/api/reservations',
  notifications: '/api/notifications',
  me: '/api/me',
}

/** One route for each view; they translate, and the registry does the rest. */
export const addReads = (app: App, site: Site): void => {
  for (const name of viewNames) {
    const view: View = views[name]
    document(app, name, view)
    app.get(pathOf[name].replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      const said = { ...c.req.query(), ...c.req.param() }
      const { value, position } = await site.viewer.ask(name, said, c.var.user)
      return answer(c, value, position)
    })
  }
}

const answer = (c: Context, value: unknown, position: string): Response => {
  c.header(positionHeader, position)
  return c.json(value as object)
}

/** Puts a view into the API's document, as its schemas have it. */
const document = (app: App, name: ViewName, view: View): void => {
  const path = pathOf[name]
  const { shape } = paramsOf(view)
  const inPath = Object.keys(shape).filter((key) => path.includes(`{${key}}`))
  const query = Object.fromEntries(Object.entries(shape).filter(([key]) => !inPath.includes(key)))
  const params = Object.fromEntries(inPath.map((key) => [key, shape[key] as z.ZodType]))
  const body = view.list ? z.object({ items: z.array(view.answer), next: z.string().nullable() }) : view.answer
  app.openAPIRegistry.registerPath({
    method: 'get',
    path,
    operationId: name,
    summary: view.description,
    request: { query: z.object(query), ...(inPath.length > 0 && { params: z.object(params) }) },
    responses: {
      200: {
        description: view.description,
        headers: z.object({ [positionHeader]: z.string().describe('How far the projection was') }),
        content: { 'application/json': { schema: body } },
      },
      default: {
        description: 'A problem',
        content: { 'application/problem+json': { schema: problem } },
      },
    },
  })
}
