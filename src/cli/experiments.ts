import type { Command } from 'commander'
import { experimentCreate } from './experiment-create.ts'
import { experimentLists } from './experiment-lists.ts'
import { experimentLogs } from './experiment-logs.ts'
import { experimentMore } from './experiment-more.ts'
import { experimentOrders } from './experiment-orders.ts'
import { experimentShow } from './experiment-show.ts'

export const experimentVerb = (program: Command): void => {
  const experiment = program
    .command('experiment')
    .description('make, show and steer experiments: from a repository to a machine at a site, and back')
  experimentCreate(experiment)
  experimentLists(experiment)
  experimentShow(experiment)
  experimentOrders(experiment)
  experimentMore(experiment)
  experimentLogs(experiment)
}
