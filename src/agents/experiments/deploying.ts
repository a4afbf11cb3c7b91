import { accept, type Commanded, type Decision, type Near, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { deed } from '#contracts/experiment-deeds'
import { partOfSite, placeOfPart } from '#contracts/experiment-parts'
import { isOperatorIn } from '#contracts/experiment-rights'
import { isOpen, openRun, siteOf, stageOf, stepOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { called } from '#contracts/names'
import type { Policy } from '#contracts/portal'
import { allowedLink } from './allowed-link.ts'
import { doneAlready, lastOf, withWho } from './done-already.ts'
import { hasBegun, isComingHome, isInTestbed, isRefusal, meant } from './meant-sites.ts'
import { firstStep, scheduled } from './next-steps.ts'
import { freed, object, objectionTo, objectionToNodes, objectionToUse, occupied } from './place-nodes.ts'

type Command<Type extends ExperimentCommand['type']> = Commanded<Extract<ExperimentCommand, { type: Type }>>
type Decided = Decision<ExperimentEvent>

export const initiate = (
  command: Command<'experiment.initiate'>,
  experiment: KnownExperiment,
  policy: Policy,
): Decided => {
  const { key, scope } = command
  if (isInTestbed(experiment)) return refuse('in-testbed', `${key} is in the testbed already`)
  if (hasBegun(experiment))
    return doneAlready(command, experiment.deeds[deed.initiate], 'begun', `${key} is in development already`)
  const isAsked = called(policy.projects, scope)?.approval === true && experiment.approval === 'not-asked'
  if (experiment.approval === 'asked' || isAsked)
    return refuse('not-approved', `${key} is to be approved by an administrator first`)
  if (experiment.approval === 'declined')
    return refuse('declined', `${key} was declined. Change it, and it is looked at once more`)
  const objection = allowedLink(policy, experiment.source.link) ?? objectionTo(experiment.resource, policy)
  if (objection) return object(objection)
  const { attempt, source, resource } = experiment
  const sites = resource.sites.map((site) => ({
    site,
    builder: called(policy.sites, site)?.builder ?? ('site-server' as const),
  }))
  const next = [firstStep(experiment)]
  return accept({ type: 'experiment.development-initiated', data: { attempt, source, resource, sites, next } })
}

export const terminate = (
  { data, key, scope, principal, at }: Command<'experiment.terminate'>,
  experiment: KnownExperiment,
  policy: Policy,
  near: readonly Near[],
): Decided => {
  const earlier = experiment.deeds[deed.terminate]
  if (!hasBegun(experiment))
    return refuse(
      'idle',
      earlier
        ? withWho(`${key} is terminated already`, earlier, { at })
        : `${key} is idle: there is nothing to terminate`,
    )
  if (isInTestbed(experiment)) {
    const isFree = isOperatorIn(policy, scope, principal) && stageOf(experiment) !== 'submitted'
    if (!isFree) return refuse('in-testbed', `${key} is in the testbed: an operator ends it there`)
    if (Object.keys(experiment.sites).some((site) => openRun(experiment, site).length > 0))
      return refuse('run-open', `${key} is running: cancel its run first`)
    const coming = Object.keys(experiment.sites).find((site) => isComingHome(experiment, site))
    if (coming !== undefined) return refuse('under-way', `The results of ${key} at ${coming} are on their way home`)
  }
  const { attempt } = experiment
  const event: ExperimentEvent = { type: 'experiment.terminated', data: { attempt, reason: data.reason } }
  return { accepted: true, events: [event], also: freed(near, key) }
}

export const moveToTestbed = (
  command: Command<'experiment.move-to-testbed'>,
  experiment: KnownExperiment,
  policy: Policy,
  near: readonly Near[],
): Decided => {
  const { data, key, scope, at } = command
  const { attempt, plan, deeds } = experiment
  if (!plan) return refuse('idle', `${key} is idle: its user initiates its development first`)
  const nodes = [...new Set(data.nodes)]
  for (const [site, there] of Map.groupBy(nodes, (part) => placeOfPart(part).site)) {
    const known = siteOf(experiment, site)
    if (!known)
      return refuse('wrong-site', `${key} is not for ${site}, but for ${Object.keys(experiment.sites).join(', ')}`)
    if (known.stage === 'development') {
      if (stepOf(experiment, partOfSite(site), 'build')?.state === 'succeeded') continue
      return refuse('not-built', `Its image is not built at ${site} in this attempt`)
    }
    if (known.stage === 'submitted')
      return refuse('submitted', withWho(`${key} is submitted at ${site}`, deeds[deed.submit(site)], command))
    const isSame = known.nodes.toSorted().join() === there.toSorted().join()
    const already = `${key} is in the testbed of ${site} already, with ${known.nodes.join(', ')}`
    if (!isSame) return refuse('in-testbed', withWho(already, deeds[deed.move(site)], command))
  }
  const news = nodes.filter((part) => siteOf(experiment, placeOfPart(part).site)?.stage === 'development')
  if (news.length === 0) {
    const by = lastOf(nodes.map((part) => deeds[deed.move(placeOfPart(part).site)]))
    return doneAlready(command, by, 'in-testbed', `${key} is in the testbed already, with ${nodes.join(', ')}`)
  }
  const objection =
    objectionToNodes(news, plan.resource, policy) ?? objectionToUse(near, { key, scope, at }, plan.resource.hours)
  if (objection) return object(objection)
  const next = news.map((part) => scheduled(experiment, part, 'deliver'))
  const event: ExperimentEvent = { type: 'experiment.moved-to-testbed', data: { attempt, nodes: news, next } }
  return { accepted: true, events: [event], also: occupied(near, key) }
}

export const markReady = (command: Command<'experiment.mark-ready'>, experiment: KnownExperiment): Decided => {
  const { data, key } = command
  const sites = meant(key, experiment, data.sites)
  if (isRefusal(sites)) return sites
  for (const [site, { stage, nodes }] of sites) {
    if (stage === 'development') return refuse('not-in-testbed', `${key} is not in the testbed of ${site} yet`)
    const missing = nodes.filter((node) => stepOf(experiment, node, 'deliver')?.state !== 'succeeded')
    const failed = missing.filter((node) => !isOpen(stepOf(experiment, node, 'deliver')))
    if (failed.length > 0)
      return refuse('not-delivered', `What is to run could not be delivered to ${failed.join(', ')}: retry that first`)
    if (missing.length > 0)
      return refuse(
        'not-delivered',
        `What is to run is being delivered to ${missing.join(', ')}: try again in a moment`,
      )
  }
  const news = sites.filter(([, { stage }]) => stage === 'testbed').map(([site]) => site)
  if (news.length > 0)
    return accept({ type: 'experiment.marked-ready', data: { attempt: experiment.attempt, sites: news } })
  const by = (name: (site: string) => string) => lastOf(sites.map(([site]) => experiment.deeds[name(site)]))
  return sites.every(([, { stage }]) => stage === 'submitted')
    ? refuse('submitted', withWho(`${key} is submitted`, by(deed.submit), command))
    : doneAlready(command, by(deed.ready), 'ready', `${key} is ready already`)
}
