import type { Command } from 'commander'
import { experimentClone } from './experiment-clone.ts'
import { experimentCreate } from './experiment-create.ts'
import { experimentLists } from './experiment-lists.ts'
import { experimentLogs } from './experiment-logs.ts'
import { experimentOrders } from './experiment-orders.ts'
import { experimentPreferences } from './experiment-preferences.ts'
import { experimentReservations } from './experiment-reservations.ts'
import { experimentShow } from './experiment-show.ts'
import { experimentUpdate } from './experiment-update.ts'

export const experimentVerb = (program: Command): void => {
  const experiment = program
    .command('experiment')
    .description('make, show and steer experiments: from a repository to a machine at a site, and back')
  experimentCreate(experiment)
  experimentUpdate(experiment)
  experimentLists(experiment)
  experimentShow(experiment)
  experimentOrders(experiment)
  experimentClone(experiment)
  experimentReservations(experiment)
  experimentPreferences(experiment)
  experimentLogs(experiment)
}
