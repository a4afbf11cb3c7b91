import { createHash } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { ask, uuidv7 } from '#bus/command'
import { faults } from '#bus/fault'
import { maySee } from '#contracts/asker'
import { experimentCommands } from '#contracts/experiment-commands'
import { addressOfExperiment } from '#contracts/experiment-parts'
import { exact } from '#contracts/fields'
import { name } from '#contracts/names'
import { orderResponses, writtenLink } from './experiment-orders.ts'
import { refused } from './problem.ts'
import { type App, positionHeader, type Site } from './site.ts'
import { id as idSchema, json } from './writes.ts'

/** How often another id is tried where one is taken. */
const tries = 5

const { description, data } = experimentCommands['experiment.create']
const { cloudLink: _, ...shape } = data.shape

const made = z.object({
  accepted: z.literal(true),
  position: z.string().nullable(),
  experiment: z.string().describe('Its id'),
})

const create = createRoute({
  method: 'post',
  path: '/api/experiments',
  operationId: 'createExperiment',
  summary: description,
  request: {
    body: json(exact({ project: name.max(100), ...shape, link: writtenLink.optional(), id: idSchema })),
  },
  responses: {
    201: { description: 'It is made', content: { 'application/json': { schema: made } } },
    403: orderResponses[403],
    409: orderResponses[409],
    default: orderResponses.default,
  },
})

/** Makes experiments, under ids of this server's choice. Whoever sends the same command once more gets the same experiment. */
export const addExperimentCreation = (app: App, { bus, viewer, putSecret }: Site): void => {
  app.openapi(create, async (c) => {
    const { project, link, id = uuidv7(), ...said } = c.req.valid('json')
    const { user } = c.var
    if (link !== undefined && !putSecret) throw faults.noSecrets()
    for (let tried = 0; ; tried++) {
      const experiment = `${project}-${wordOf(id, tried)}`
      const isTheirs = maySee(viewer.asker(user), project)
      // Nobody's secrets are put away before it is known that they may make an experiment there.
      const kept = link !== undefined && isTheirs ? await putSecret?.(link, { experiment, principal: user }) : undefined
      const asked = { ...said, ...(kept && { cloudLink: kept }) }
      const address = addressOfExperiment(experiment)
      const answer = await ask(bus, { address, type: 'experiment.create', data: asked, id }, { onBehalfOf: user })
      if (answer.accepted) {
        if (answer.position) c.header(positionHeader, answer.position)
        c.header('Location', `/api/experiments/${experiment}`)
        return c.json({ accepted: true as const, position: answer.position ?? null, experiment }, 201)
      }
      if (answer.refusal !== 'taken' || tried === tries) return refused(c, answer) as never
    }
  })
}

/** Six letters and digits that come of a command's id: others each time that those before were taken. */
export const wordOf = (id: string, tried: number): string => {
  const bytes = createHash('sha256').update(`${id} ${tried}`).digest()
  return bytes.readUIntBE(0, 6).toString(36).padStart(6, '0').slice(-6)
}
