import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { addConsole } from './console.ts'
import { addContent } from './content.ts'
import { addEndNodeOrders, addPreferences } from './end-node-orders.ts'
import { addEvents } from './events.ts'
import { addExperimentCreation } from './experiment-creation.ts'
import { addExperimentLogs } from './experiment-logs.ts'
import { addExperimentOrders } from './experiment-orders.ts'
import { addExperimentResults } from './experiment-results.ts'
import { guard, harmlessly } from './guard.ts'
import { addHealth } from './health.ts'
import { addSession, identified, sessionsOf } from './identity.ts'
import { addLogText } from './log-text.ts'
import { addLogs } from './logs.ts'
import { addNodes } from './nodes.ts'
import { addOrders } from './orders.ts'
import { invalid, notFound, onError } from './problem.ts'
import { addReads } from './reads.ts'
import type { App, Site } from './site.ts'
import { addUpload } from './upload.ts'
import { addWrites } from './writes.ts'

/** How large a request may be, in bytes: facts and commands are small, and files travel otherwise. */
const largest = 1 << 20

/** The web process: what it answers, and to whom. Nodes come last, as their names are the users'. */
export const appOf = (site: Site): App => {
  const app: App = new OpenAPIHono({
    defaultHook: (result, c) => (result.success ? undefined : invalid(c, result.error.issues)),
  })
  app.onError(onError(site.say))
  app.notFound(notFound)
  app.use(harmlessly)
  app.use(guard(site.names))
  // What it serves is the same for everybody: whoever is to sign in does so where they wanted to be.
  addConsole(app, site)
  const sessions = sessionsOf(site.tokens)
  app.use(identified(site, sessions))
  const tooLarge = () => {
    throw new HTTPException(413, { message: `A request may hold ${largest} bytes` })
  }
  const limited = bodyLimit({ maxSize: largest, onError: tooLarge })
  // The bytes of artifacts alone go to disk as they come, however many they are.
  app.use((c, next) =>
    c.req.method === 'PUT' && /^\/api\/artifacts\/[^/]+\/[^/]+\/content$/.test(c.req.path) ? next() : limited(c, next),
  )
  addHealth(app, site)
  addReads(app, site)
  addContent(app, site)
  addUpload(app, site)
  addEvents(app, site)
  addWrites(app, site)
  addOrders(app, site)
  addLogs(app, site)
  addLogText(app, site)
  addSession(app, site, sessions)
  addExperimentOrders(app, site)
  addExperimentCreation(app, site)
  addEndNodeOrders(app, site)
  addPreferences(app, site)
  addExperimentLogs(app, site)
  addExperimentResults(app, site)
  const info = { title: 'Millrace', version: '1', description: 'What can be read and asked of a web process.' }
  app.doc31('/openapi.json', { openapi: '3.1.0', info })
  addNodes(app, site)
  return app
}
