import { createRoute, z } from '@hono/zod-openapi'
import { faults } from '#bus/fault'
import { maySee } from '#contracts/asker'
import { experimentId, portalPlace, projectOf } from '#contracts/experiment-parts'
import { resultAsked, resultList, resultListAsked, resultProvided } from '#contracts/result-files'
import { serviceOf } from '#contracts/subjects'
import { checked } from './asked.ts'
import { artifactPath } from './content.ts'
import { problem } from './problem.ts'
import { bytesResponses, sendBytes } from './send-bytes.ts'
import type { App, Site } from './site.ts'

const params = z.object({ experiment: experimentId })
const otherwise = { description: 'A problem', content: { 'application/problem+json': { schema: problem } } }

const list = createRoute({
  method: 'get',
  path: '/api/experiments/{experiment}/results',
  operationId: 'experimentResults',
  summary: 'The files that an experiment has left, once they are at the portal, each with its hash',
  request: { params, query: resultListAsked.omit({ experiment: true }) },
  responses: {
    200: { description: 'Files, by end node', content: { 'application/json': { schema: resultList } } },
    default: otherwise,
  },
})

const place = resultAsked.omit({ experiment: true }).extend({ path: artifactPath })

/** How long the portal may take to look a file through, in milliseconds. */
const patience = 120_000

/** What experiments have left: the portal tells it, and puts into its bucket what somebody wants to have. */
export const addExperimentResults = (app: App, { bus, viewer, signal }: Site): void => {
  const ask = async (
    user: string,
    verb: 'list' | 'provide',
    said: { readonly experiment: string },
  ): Promise<unknown> => {
    if (!maySee(viewer.asker(user), projectOf(said.experiment)))
      throw faults.nothingThere(`experiment ${said.experiment}`)
    const subject = serviceOf(portalPlace, 'results', verb, bus.principal)
    return bus.request(subject, said, { timeout: patience, onBehalfOf: user })
  }
  app.openapi(list, async (c) => {
    const said = { ...c.req.valid('query'), ...c.req.valid('param') }
    return c.json(resultList.parse(await ask(c.var.user, 'list', said)), 200)
  })

  const path = '/api/experiments/{experiment}/results/content'
  app.openAPIRegistry.registerPath({
    method: 'get',
    path,
    operationId: 'experimentResult',
    summary: 'The bytes of a file that an experiment has left',
    request: { params, query: place },
    responses: bytesResponses,
  })
  app.get(path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
    const { experiment } = checked('experimentResult', params, c.req.param())
    const said = checked('experimentResult', place, c.req.query())
    const found = resultProvided.parse(await ask(c.var.user, 'provide', { experiment, ...said }))
    return sendBytes(c, bus, found, AbortSignal.any([signal, c.req.raw.signal]))
  })
}
