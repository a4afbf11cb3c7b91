import { join } from 'node:path'
import { tellWhenDue } from '#agents/due'
import { dueInExperiments } from '#agents/experiments/due-in-experiments'
import { endNodeDecider } from '#agents/experiments/end-node'
import { experimentDecider } from '#agents/experiments/experiment'
import { portalDecider } from '#agents/experiments/portal'
import { type TakeStep, takeSteps } from '#agents/experiments/take-steps'
import { openLocal } from '#agents/local'
import { personDecider } from '#agents/notices/person'
import { type Bus, lease } from '#bus/bus'
import { commandFrom, own } from '#bus/command'
import { dispatch } from '#bus/dispatcher'
import { memoryHub } from '#bus/memory'
import { openOutbox } from '#bus/outbox'
import { portalPlace } from '#contracts/experiment-parts'
import { addressOfPortal, type Policy, policy as policyShape } from '#contracts/portal'
import { type ResultList, resultListAsked } from '#contracts/result-files'
import { servicesOf } from '#contracts/subjects'
import { temporaryFolder } from '../agents/on-disk.ts'
import { madeBy } from './story.ts'

/** So many sites, each with so many rovers, and the people there are. */
export const policyOfMany = (sites: number, nodes: number): Policy =>
  policyShape.parse({
    administrators: ['ada'],
    operators: ['olga'],
    projects: { rover: { members: ['carol'] } },
    gitHosts: ['git.example'],
    sites: Object.fromEntries(
      Array.from({ length: sites }, (_, site) => [
        `site-${site}`,
        {
          server: `site-${site}`,
          nodes: Object.fromEntries(Array.from({ length: nodes }, (_, node) => [`node-${node}`, { type: 'Rover' }])),
        },
      ]),
    ),
  })

/** What each agent does, in place of git, ssh, Docker and clouds. */
const simulated: TakeStep = async ({ step }) => madeBy(step.step)

/** A portal and its sites on one bus in memory; what they do is a function. Ends with the signal. */
export const simulate = async (
  policy: Policy,
  signal: AbortSignal,
  take: TakeStep = simulated,
  listed: (experiment: string) => ResultList['sets'] = () => [],
): Promise<Bus> => {
  const hub = memoryHub({ lease })
  await simulateOn(hub.connect, policy, signal, take, listed)
  return hub.connect('web-test')
}

/** The same on any bus; each of its hosts connects as itself. Resolves with what resolves once all of them have ended. */
export const simulateOn = async (
  connect: (principal: string) => Bus | Promise<Bus>,
  policy: Policy,
  signal: AbortSignal,
  take: TakeStep = simulated,
  listed: (experiment: string) => ResultList['sets'] = () => [],
): Promise<{ readonly ended: Promise<unknown> }> => {
  const running: Promise<unknown>[] = []
  const quiet = () => undefined
  const portal = await connect('portal')
  for (const site of Object.keys(policy.sites))
    own(
      portal,
      endNodeDecider(() => policy),
      site,
      signal,
    )
  const defined = own(portal, portalDecider('portal'), 'all', signal)
  await defined.handle(
    addressOfPortal,
    commandFrom({ address: addressOfPortal, type: 'portal.define', data: { policy } }, 'portal'),
  )
  running.push(dispatch(portal, signal))
  // What lies here is only said to.
  const list = async ({ body }: { readonly body: unknown }) => ({
    sets: listed(resultListAsked.parse(body).experiment),
  })
  running.push(portal.serve(servicesOf(portalPlace, 'results'), list, signal))
  own(portal, personDecider, 'all', signal)
  for (const scope of Object.keys(policy.projects)) {
    const owner = own(
      portal,
      experimentDecider(() => policy),
      scope,
      signal,
    )
    running.push(tellWhenDue({ bus: portal, owner, scope, dueIn: dueInExperiments, say: quiet, signal }))
  }

  const host = async (name: string, agents: readonly { readonly where: string; readonly agent: string }[]) => {
    const bus = await connect(name)
    const part = `${name}/self`
    const room = { [part]: { free: 2 * 1024 ** 3, total: 100 * 1024 ** 3 } }
    running.push(bus.appear({ host: name, instance: name, machine: name, nodes: [part] }, signal, () => room))
    const local = openLocal(join(temporaryFolder(), `${name}.db`))
    const outbox = openOutbox(local, name)
    running.push(outbox.send(bus, signal))
    for (const agent of agents)
      running.push(
        takeSteps({ bus, host: name, instance: name, local, log: quiet, outbox, signal }, agent, take, {
          concurrency: 8,
        }),
      )
  }
  const at = (where: string, ...agents: readonly string[]) => agents.map((agent) => ({ where, agent }))
  const sites = Object.entries(policy.sites)
  await host('portal', [
    ...at('portal', 'source-fetcher'),
    ...sites.flatMap(([site]) => at(site, 'shipper', 'results-puller', 'results-prober', 'results-uploader')),
  ])
  for (const [site, { nodes }] of sites) {
    const steps = Object.keys(nodes).flatMap((node) => [`deliver-${node}`, `run-${node}`, `collect-${node}`])
    await host(site, at(site, 'site-server', ...steps))
  }
  return { ended: Promise.all(running) }
}
