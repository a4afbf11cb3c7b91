import { z } from 'zod'
import { faults } from '#bus/fault'
import { disk } from '#contracts/disk'
import { moment, within } from '#projections/within'
import type { App, Site } from './site.ts'

const live = z.object({ status: z.literal('live') })
const ready = z.object({
  status: z.enum(['ready', 'not ready']),
  bus: z.boolean(),
  projection: z.object({ state: z.string(), position: z.string(), pending: z.int() }),
})
const presence = z.object({
  items: z.array(
    z.object({
      host: z.string(),
      instance: z.string(),
      machine: z.string(),
      nodes: z.array(z.string()),
      disks: z.record(z.string(), disk).optional().describe('Of the parts whose disks it looks after'),
      seenAt: z.int().describe('Milliseconds since 1970, by the clock of the server of the bus'),
    }),
  ),
})

/** `/health`: the process lives. `/ready`: the bus can be reached, and what is read is up to date. */
export const addHealth = (app: App, { bus, viewer }: Pick<Site, 'bus' | 'viewer'>): void => {
  const document = (path: string, operationId: string, summary: string, schema: z.ZodType) =>
    app.openAPIRegistry.registerPath({
      method: 'get',
      path,
      operationId,
      summary,
      responses: { 200: { description: summary, content: { 'application/json': { schema } } } },
    })
  document('/health', 'health', 'Whether this process lives', live)
  document('/ready', 'ready', 'Whether the bus can be reached and the projection is up to date; 503 where not', ready)
  document('/api/presence', 'presence', 'Who is there at this moment; it is not in the log', presence)

  app.get('/health', (c) => c.json({ status: 'live' }))
  app.get('/ready', async (c) => {
    const { state, position, pending, halted } = viewer.follower.now()
    const status = (await viewer.ask('status', {}).catch(() => undefined))?.value as
      | { readonly head: unknown }
      | undefined
    // A server that is stopped keeps its connections: only an answer, here the end of the log, says that it is there.
    const connected = bus.connected() && status?.head !== null
    const isReady = connected && status !== undefined && viewer.follower.caughtUp()
    const projection = { state, position, pending, ...(halted && { halted }) }
    return c.json({ status: isReady ? 'ready' : 'not ready', bus: connected, projection }, isReady ? 200 : 503)
  })
  app.get('/api/presence', async (c) => {
    const items = await within(bus.present())
    if (!items) throw faults.timeout('Whoever knows who is there', moment)
    return c.json({ items })
  })
}
