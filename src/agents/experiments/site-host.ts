import { join, resolve } from 'node:path'
import { partOfSite } from '#contracts/experiment-parts'
import { type Hosting, runAgents } from '../hosting.ts'
import { localMachine } from '../machines/local-machine.ts'
import { sshMachine } from '../machines/ssh-machine.ts'
import { buildStep, dropBuild } from './build-step.ts'
import { openBundles } from './bundle.ts'
import { collectStep } from './collect-step.ts'
import { deliverStep } from './deliver-step.ts'
import { dropRun } from './drop-run.ts'
import { resultsAt } from './places-of.ts'
import { runStep } from './run-step.ts'
import type { SiteConfig } from './site-config.ts'
import { containerOn } from './site-container.ts'
import { takeSteps } from './take-steps.ts'
import { type Watched, watchDisks } from './watch-disks.ts'

/** How many images are built at a site at once. */
const builtAtOnce = 2

/** Runs the agents of a site server: it builds, delivers, runs what has no agent of its own, and collects. Resolves when they have stopped. */
export const runSite = (hosting: Hosting, config: SiteConfig, scratch: string): Promise<void> => {
  const { site, experiments } = config
  const nodes = Object.entries(config.nodes)
  const driven = nodes.filter(([, { agent }]) => !agent).map(([node]) => `${site}/${node}`)
  return runAgents(
    { ...hosting, dispatches: false },
    [partOfSite(site), ...driven],
    async ({ outbox, run, tellDisk, signal }) => {
      const { bus, host } = hosting
      const bundles = openBundles(bus, host, scratch)
      const given = { ...hosting, outbox, signal }
      const where = site
      const building = { concurrency: builtAtOnce, drop: dropBuild(config) }
      run(takeSteps(given, { where, agent: 'site-server' }, buildStep({ config, bundles }), building))
      const disks: Watched[] = [{ part: partOfSite(site), machine: localMachine(), folder: resolve(experiments) }]
      for (const [node, { ssh, agent: hasAgent, folder, engine }] of nodes) {
        const machine = ssh && sshMachine(ssh)
        run(takeSteps(given, { where, agent: `deliver-${node}` }, deliverStep({ config, machine })))
        run(takeSteps(given, { where, agent: `collect-${node}` }, collectStep({ config, bundles, machine, hasAgent })))
        if (!machine || hasAgent) continue
        disks.push({ part: `${site}/${node}`, machine, folder })
        const take = runStep({
          ...{ machine, engine, folder, limits: containerOn(config, node), registryPatience: config.registryPatience },
          resultsInto: (id, attempt, number) => join(experiments, id, resultsAt(node, attempt, number)),
        })
        run(takeSteps(given, { where, agent: `run-${node}` }, take, { drop: dropRun({ machine, engine, signal }) }))
      }
      run(watchDisks(disks, tellDisk, signal))
    },
  )
}
