import { z } from '@hono/zod-openapi'
import { stream } from 'hono/streaming'
import { checked } from './asked.ts'
import { choice, linesOf, params, textOf } from './log-lines.ts'
import { problem } from './problem.ts'
import type { App, Site } from './site.ts'

/** What nodes of a run printed by now, all of it, as a file to be kept: however long it is, little of it is held at once. */
export const addLogText = (app: App, { bus, signal }: Pick<Site, 'bus' | 'signal'>): void => {
  const path = '/api/runs/{pipeline}/{run}/logs/text'
  app.openAPIRegistry.registerPath({
    method: 'get',
    path,
    operationId: 'logText',
    summary: 'What nodes of a run printed by now, all of it, as a text file',
    request: { params, query: choice },
    responses: {
      200: { description: 'Lines, oldest first', content: { 'text/plain': { schema: z.string() } } },
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problem } } },
    },
  })
  app.get(path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => {
    const { pipeline, run } = checked('logs', params, c.req.param())
    const wanted = checked('logs', choice, c.req.query())
    const { node } = wanted
    const name = [pipeline, run, ...(node === undefined ? [] : [node.split('/')[1]])].join('-')
    c.header('Content-Type', 'text/plain; charset=utf-8')
    c.header('Content-Disposition', `attachment; filename="${name}.log"`)
    c.header('X-Content-Type-Options', 'nosniff')
    return stream(c, async (out) => {
      const left = new AbortController()
      out.onAbort(() => left.abort())
      const of = { scope: pipeline, key: String(run), ...(node !== undefined && { part: node }) }
      const options = { live: false, signal: AbortSignal.any([signal, left.signal]) }
      await bus.printed(
        of,
        async (some) => {
          await out.write(textOf(some.flatMap((printed) => linesOf(printed, wanted))))
        },
        options,
      )
    })
  })
}
