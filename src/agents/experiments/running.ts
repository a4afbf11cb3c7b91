import { accept, type Commanded, type Decision, type Near, refuse } from '#bus/decider'
import type { ExperimentEvent } from '#contracts/experiment'
import type { ExperimentCommand } from '#contracts/experiment-commands'
import { deed } from '#contracts/experiment-deeds'
import { partOfSite } from '#contracts/experiment-parts'
import { isOpen, openRun, runOf, stageOf, stepOf } from '#contracts/experiment-standing'
import type { KnownExperiment } from '#contracts/experiment-state'
import { type Policy, whyGone } from '#contracts/portal'
import { doneAlready, lastOf, withWho } from './done-already.ts'
import { howEnded } from './how-ended.ts'
import { hasBegun, isComingHome, isRefusal, meant } from './meant-sites.ts'
import { scheduled } from './next-steps.ts'
import { freed, object, objectionToUse } from './place-nodes.ts'
import { cancelled } from './taking-steps.ts'

type Command<Type extends ExperimentCommand['type']> = Commanded<Extract<ExperimentCommand, { type: Type }>>
type Decided = Decision<ExperimentEvent>

export const run = (
  { data, key, scope, at }: Command<'experiment.run'>,
  experiment: KnownExperiment,
  policy: Policy,
  near: readonly Near[],
): Decided => {
  const sites = meant(key, experiment, data.sites)
  if (isRefusal(sites)) return sites
  for (const [site, { stage, nodes }] of sites) {
    if (stage === 'submitted') return refuse('submitted', `${key} is submitted at ${site}: clone it to run it again`)
    if (stage !== 'ready') return refuse('not-ready', `${key} is not ready at ${site}: mark it so first`)
    const open = openRun(experiment, site)
    if (open.length > 0) {
      const by = lastOf([experiment.deeds[deed.run(site)], ...open.flatMap((part) => retriesOf(experiment, part))])
      return refuse('run-open', withWho(`${key} is running at ${site} already, on ${open.join(', ')}`, by, { at }))
    }
    const [gone] = [partOfSite(site), ...nodes].flatMap((part) => whyGone(policy, part) ?? [])
    if (gone !== undefined) return refuse('gone', gone)
  }
  if (experiment.cloudLink === undefined)
    return refuse('no-cloud-link', `Nobody has said where the results of ${key} go: set its cloud link first`)
  // Somebody else may have been promised a node meanwhile.
  const { hours } = (experiment.plan ?? experiment).resource
  const objection = objectionToUse(near, { key, scope, at }, hours)
  if (objection) return object(objection)
  const { attempt } = experiment
  const next = sites.map(([site]) => scheduled(experiment, partOfSite(site), 'probe'))
  const nodes = sites.flatMap(([, { nodes }]) => nodes)
  return accept({ type: 'experiment.run-begun', data: { attempt, run: experiment.run + 1, nodes, next } })
}

/** Who has asked once more for what is open of a part's run. */
const retriesOf = (experiment: KnownExperiment, part: string) =>
  (['probe', 'run', 'collect'] as const).map((name) => {
    const step = stepOf(experiment, part, name)
    return step && isOpen(step) ? experiment.deeds[deed.retry(part, name, step.try)] : undefined
  })

export const cancelRun = (command: Command<'experiment.cancel-run'>, experiment: KnownExperiment): Decided => {
  const { data, key } = command
  const { attempt, deeds } = experiment
  const parts = Object.entries(experiment.sites).flatMap(([site, { nodes }]) => [partOfSite(site), ...nodes])
  const open = parts.flatMap((part) =>
    (['probe', 'run', 'collect'] as const).flatMap((name) => {
      const step = stepOf(experiment, part, name)
      return step && isOpen(step) ? [{ part, name, step }] : []
    }),
  )
  if (open.length === 0)
    return refuse(
      'no-run',
      deeds[deed.cancel]
        ? withWho(`The run of ${key} is cancelled already`, deeds[deed.cancel], command)
        : `No run of ${key} is open`,
    )
  // A run is told to stop, and says so; all else is given up at once, and whoever does it is told.
  const waits = open.filter(({ name, step }) => name !== 'run' || step.state === 'scheduled')
  const runs = open.filter((one) => !waits.includes(one) && one.step.stopping === undefined)
  const events: ExperimentEvent[] = waits.map(({ part, name, step }) => ({
    type: 'experiment.step-cancelled',
    data: { ...cancelled(experiment, part, step, data.reason, true), step: name },
  }))
  if (runs.length > 0)
    events.push({
      type: 'experiment.run-cancel-begun',
      data: { attempt, nodes: runs.map(({ part }) => part), reason: data.reason },
    })
  return events.length > 0
    ? accept(...events)
    : doneAlready(command, deeds[deed.cancel], 'cancelled', `The run of ${key} is told to stop already`)
}

/** What is done with a run that did not succeed: only what failed can be retried, and only what was collected accepted. */
const instead = (experiment: KnownExperiment, site: string, nodes: readonly string[]): string => {
  const stateOf = (part: string) =>
    (['probe', 'run', 'collect'] as const).map((name) => stepOf(experiment, part, name)?.state)
  return [
    ...(hasResults(experiment, nodes) ? ['accept its partial results (--accept-partial)'] : []),
    ...([partOfSite(site), ...nodes].flatMap(stateOf).includes('failed') ? ['retry'] : []),
    'run it again',
  ].join(', or ')
}

const hasResults = (experiment: KnownExperiment, nodes: readonly string[]): boolean =>
  nodes.some((node) => stepOf(experiment, node, 'collect')?.state === 'succeeded')

export const submit = (
  command: Command<'experiment.submit'>,
  experiment: KnownExperiment,
  near: readonly Near[],
): Decided => {
  const { data, key } = command
  const sites = meant(key, experiment, data.sites)
  if (isRefusal(sites)) return sites
  const news = sites.filter(([, { stage }]) => stage !== 'submitted')
  if (news.length === 0) {
    const by = lastOf(sites.map(([site]) => experiment.deeds[deed.submit(site)]))
    return doneAlready(command, by, 'submitted', `${key} is submitted already`)
  }
  let partial = false
  for (const [site, { stage, nodes }] of news) {
    if (stage !== 'ready') return refuse('not-ready', `${key} has not been run at ${site}`)
    switch (runOf(experiment, site)) {
      case 'none':
        return refuse('not-run', `${key} has not been run at ${site}`)
      case 'open':
        return refuse('run-open', `${key} is running at ${site}: wait for its end, or cancel its run`)
      case 'failed':
        if (!data.acceptPartial)
          return refuse('failed', `${howEnded(command, experiment, site)}: ${instead(experiment, site, nodes)}`)
        if (!hasResults(experiment, nodes))
          return refuse('no-results', `The last run at ${site} has left no results: retry, run it again, or terminate`)
        partial = true
        break
      case 'succeeded':
        break
    }
  }
  const next = news.map(([site]) => scheduled(experiment, partOfSite(site), 'pull', { run: experiment.run }))
  const names = news.map(([site]) => site)
  const event: ExperimentEvent = {
    type: 'experiment.submitted',
    data: { attempt: experiment.attempt, sites: names, partial, next },
  }
  const own = near.filter(({ address }) => names.includes(address.scope))
  return { accepted: true, events: [event], also: freed(own, key) }
}

/** What can't be brought home may be put away as well: that is for people to decide. */
export const archive = ({ key }: Command<'experiment.archive'>, experiment: KnownExperiment): Decided => {
  if (!hasBegun(experiment)) return accept({ type: 'experiment.archived', data: {} })
  if (stageOf(experiment) !== 'submitted')
    return refuse('under-way', `${key} is under way: terminate it, or submit it first`)
  return Object.keys(experiment.sites).some((site) => isComingHome(experiment, site))
    ? refuse('under-way', `The results of ${key} are not where they are to go yet`)
    : accept({ type: 'experiment.archived', data: {} })
}
