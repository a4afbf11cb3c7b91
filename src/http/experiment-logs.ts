import { z } from 'zod'
import { faults } from '#bus/fault'
import { maySee } from '#contracts/asker'
import { experimentId, projectOf } from '#contracts/experiment-parts'
import { choiceOfSteps } from './log-lines.ts'
import { addPrinted } from './logs.ts'
import type { App, Site } from './site.ts'

/** What steps of an experiment printed, told to whoever may see it. */
export const addExperimentLogs = (app: App, site: Site): void =>
  addPrinted(app, site, {
    path: '/api/experiments/{experiment}/logs',
    operationId: 'experimentLogs',
    summary: 'What steps of an experiment printed; asked for as text/event-stream, it goes on as they print',
    params: z.object({ experiment: experimentId }),
    choice: choiceOfSteps,
    of: ({ experiment }, { part }, user) => {
      const scope = projectOf(experiment)
      if (!maySee(site.viewer.asker(user), scope)) throw faults.nothingThere(`experiment ${experiment}`)
      return { scope, key: experiment, part }
    },
  })
