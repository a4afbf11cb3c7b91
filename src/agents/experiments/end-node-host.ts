import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Hosting, runAgents } from '../hosting.ts'
import { localMachine } from '../machines/local-machine.ts'
import { placeHere } from '../machines/place-of.ts'
import { openBundles } from './bundle.ts'
import { dropRun } from './drop-run.ts'
import { resultsOn } from './places-of.ts'
import { runStep } from './run-step.ts'
import type { EndNodeConfig } from './site-config.ts'
import { takeSteps } from './take-steps.ts'
import { watchDisks } from './watch-disks.ts'

/** Runs the agent of an end node: the control module that runs experiments on it. Resolves when it has stopped. */
export const runEndNode = (hosting: Hosting, config: EndNodeConfig, scratch: string): Promise<void> =>
  runAgents(
    { ...hosting, dispatches: false },
    [`${config.site}/${config.node}`],
    async ({ outbox, run, tellDisk, signal }) => {
      const { bus, host } = hosting
      const { site, node, engine, container, transport, registryPatience } = config
      const folder = placeHere(config.folder, homedir())
      const machine = localMachine()
      run(watchDisks([{ part: `${site}/${node}`, machine, folder }], tellDisk, signal))
      const agent = { where: site, agent: `run-${node}` }
      const take = runStep({
        ...{ machine, engine, folder, limits: container, registryPatience },
        resultsInto: (id, attempt, number) => join(folder, id, resultsOn(attempt, number)),
        compose: (id) => join(folder, id, 'docker-compose.yml'),
        ...(transport === 'bus' && { bundles: openBundles(bus, host, scratch) }),
      })
      const drop = dropRun({ machine, engine, signal })
      run(takeSteps({ ...hosting, outbox, signal }, agent, take, { drop }))
    },
  )
