import { createRoute, z } from '@hono/zod-openapi'
import { ask } from '#bus/command'
import { faults } from '#bus/fault'
import { maySee } from '#contracts/asker'
import { experimentCommands } from '#contracts/experiment-commands'
import { addressOfExperiment, experimentId, projectOf } from '#contracts/experiment-parts'
import { exact } from '#contracts/fields'
import type { App, Site } from './site.ts'
import { answered, id as idSchema, json, onlyPosted, responses } from './writes.ts'

/** What people ask of an experiment, each posted to an address of its own. */
const verbs = [
  'update',
  'set-experimenters',
  'approve',
  'decline',
  'initiate',
  'terminate',
  'move-to-testbed',
  'mark-ready',
  'run',
  'cancel-run',
  'submit',
  'retry',
  'archive',
  'package',
] as const

const commandOf = (verb: (typeof verbs)[number]) => experimentCommands[`experiment.${verb}`]

/** Refused where a command may not be asked; the detail says who may. */
export const orderResponses = {
  ...responses,
  403: { ...responses[409], description: 'Whoever asks may not do that' },
} as const

const routeOf = (verb: (typeof verbs)[number]) => {
  const { description, data } = commandOf(verb)
  return createRoute({
    method: 'post',
    path: `/api/experiments/{experiment}/${verb}`,
    operationId: `experiment${verb.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: description,
    request: {
      params: z.object({ experiment: experimentId }),
      body: json(exact({ ...data.shape, id: idSchema }) as z.ZodType),
    },
    responses: orderResponses,
  })
}

/** A cloud link as somebody writes it, with whatever is secret of it. */
export const writtenLink = z.string().trim().min(1).max(8_000).describe('As it was given, with what is secret of it')

const setCloudLink = createRoute({
  method: 'post',
  path: '/api/experiments/{experiment}/set-cloud-link',
  operationId: 'experimentSetCloudLink',
  summary: experimentCommands['experiment.set-cloud-link'].description,
  request: {
    params: z.object({ experiment: experimentId }),
    body: json(exact({ link: writtenLink, id: idSchema })),
  },
  responses: orderResponses,
})

/** What people ask of experiments, in their own name; the owner decides. */
export const addExperimentOrders = (app: App, { bus, viewer, putSecret }: Site): void => {
  const at = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

  for (const verb of verbs) {
    const route = routeOf(verb)
    app.openapi(route, async (c) => {
      const { experiment } = c.req.valid('param')
      const { id, ...data } = c.req.valid('json') as { readonly id?: string }
      const asked = { address: addressOfExperiment(experiment), type: `experiment.${verb}`, data }
      return answered(c, await ask(bus, { ...asked, ...(id !== undefined && { id }) }, { onBehalfOf: c.var.user }))
    })
    app.all(at(route.path), onlyPosted)
  }

  app.openapi(setCloudLink, async (c) => {
    const { experiment } = c.req.valid('param')
    const { link, id } = c.req.valid('json')
    const { user } = c.var
    if (!putSecret) throw faults.noSecrets()
    // Nobody's secrets are put away for an experiment that they may not even see.
    if (!maySee(viewer.asker(user), projectOf(experiment))) throw faults.nothingThere(`experiment ${experiment}`)
    const cloudLink = await putSecret(link, { experiment, principal: user })
    const asked = { address: addressOfExperiment(experiment), type: 'experiment.set-cloud-link', data: { cloudLink } }
    return answered(c, await ask(bus, { ...asked, ...(id !== undefined && { id }) }, { onBehalfOf: user }))
  })
  app.all(at(setCloudLink.path), onlyPosted)
}
