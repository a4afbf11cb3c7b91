import { createRoute, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { ask, uuidv7 } from '#bus/command'
import { endNodeCommands } from '#contracts/end-node'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { addressOfPerson, personCommands } from '#contracts/notification'
import { orderResponses } from './experiment-orders.ts'
import type { App, Site } from './site.ts'
import { answered, id as idSchema, json, onlyPosted } from './writes.ts'

const params = z.object({ site: name, node: name })

const reserve = createRoute({
  method: 'post',
  path: '/api/end-nodes/{site}/{node}/reserve',
  operationId: 'reserveEndNode',
  summary: endNodeCommands['end-node.reserve'].description,
  request: {
    params,
    body: json(
      exact({
        ...endNodeCommands['end-node.reserve'].data.shape,
        reservation: name.optional().describe('Tells it from others of this node; made here unless said'),
        id: idSchema,
      }),
    ),
  },
  responses: orderResponses,
})

const unreserve = createRoute({
  method: 'post',
  path: '/api/end-nodes/{site}/{node}/unreserve',
  operationId: 'unreserveEndNode',
  summary: endNodeCommands['end-node.unreserve'].description,
  request: { params, body: json(exact({ ...endNodeCommands['end-node.unreserve'].data.shape, id: idSchema })) },
  responses: orderResponses,
})

/** Keeps end nodes free for projects, in the name of whoever asks. */
export const addEndNodeOrders = (app: App, { bus }: Site): void => {
  type Place = z.output<typeof params>
  const order = (type: string, { site: scope, node: key }: Place, data: object, id: string, onBehalfOf: string) =>
    ask(bus, { address: { aggregate: 'end-node', scope, key }, type, data, id }, { onBehalfOf })

  app.openapi(reserve, async (c) => {
    const { id = uuidv7(), reservation = `r-${id}`, ...said } = c.req.valid('json')
    const data = { ...said, reservation }
    return answered(c, await order('end-node.reserve', c.req.valid('param'), data, id, c.var.user))
  })
  app.openapi(unreserve, async (c) => {
    const { id = uuidv7(), ...data } = c.req.valid('json')
    return answered(c, await order('end-node.unreserve', c.req.valid('param'), data, id, c.var.user))
  })
  for (const verb of ['reserve', 'unreserve']) app.all(`/api/end-nodes/:site/:node/${verb}`, onlyPosted)
}

const prefer = createRoute({
  method: 'put',
  path: '/api/me/preferences',
  operationId: 'setPreferences',
  summary: personCommands['person.set-preferences'].description,
  request: { body: json(exact({ ...personCommands['person.set-preferences'].data.shape, id: idSchema })) },
  responses: orderResponses,
})

/** Keeps what whoever asks wants to be told, and how. */
export const addPreferences = (app: App, { bus }: Site): void => {
  app.put('/api/me/preferences', async (c, next) => {
    if (!/^application\/json\s*(;|$)/i.test(c.req.header('Content-Type') ?? ''))
      throw new HTTPException(415, { message: 'Say what is sent with Content-Type: application/json' })
    await next()
  })
  app.openapi(prefer, async (c) => {
    const { id, ...data } = c.req.valid('json')
    const { user } = c.var
    const asked = { address: addressOfPerson(user), type: 'person.set-preferences', data, ...(id && { id }) }
    return answered(c, await ask(bus, asked, { onBehalfOf: user }))
  })
}
