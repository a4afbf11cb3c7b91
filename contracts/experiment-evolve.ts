import { deedsAfter, type Told } from './experiment-deeds.ts'
import { partOfSite, placeOfPart, type ScheduledStep, type StepName } from './experiment-parts.ts'
import { type Experiment, type KnownExperiment, nameOf, type Site, type Step, triesOf } from './experiment-state.ts'

/** Before anything has happened. */
export const initial: Experiment = { status: 'unknown' }

/** An experiment after one more event. */
export const evolve = (experiment: Experiment, event: Told): Experiment => {
  if (event.type === 'experiment.created') {
    const { approval, name, source, resource, cloudLink } = event.data
    return {
      status: 'open',
      creator: event.principal,
      experimenters: [],
      approval: approval ? 'asked' : 'not-asked',
      ...{ name, source, resource, cloudLink },
      ...{ attempt: 1, sites: {}, parts: {}, tries: {}, run: 0, deeds: {}, ignored: [] },
    }
  }
  if (experiment.status === 'unknown') return experiment
  return { ...change(experiment, event), deeds: deedsAfter(experiment, event) }
}

type Later = Exclude<Told, { type: 'experiment.created' }>

const change = (experiment: KnownExperiment, event: Later): KnownExperiment => {
  switch (event.type) {
    case 'experiment.updated': {
      const { name = experiment.name, source = experiment.source, resource = experiment.resource } = event.data
      const asked = event.data.unapproved && ({ approval: 'asked', declined: undefined } as const)
      return { ...experiment, name, source, resource, ...asked }
    }
    case 'experiment.experimenters-set':
      return { ...experiment, experimenters: event.data.experimenters }
    case 'experiment.cloud-link-set':
      return { ...experiment, cloudLink: event.data.cloudLink }
    case 'experiment.approved':
      return { ...experiment, approval: 'given', declined: undefined }
    case 'experiment.declined':
      return { ...experiment, approval: 'declined', declined: `${event.principal} declined it: ${event.data.reason}` }
    case 'experiment.development-initiated': {
      const { source, resource, next } = event.data
      const sites = Object.fromEntries(
        event.data.sites.map(({ site, builder }): [string, Site] => [
          site,
          { stage: 'development', builder, nodes: [], hasRun: false },
        ]),
      )
      return schedule({ ...experiment, plan: { source, resource }, sites, parts: {}, tries: {}, run: 0 }, next)
    }
    case 'experiment.terminated':
      return {
        ...experiment,
        attempt: event.data.attempt + 1,
        plan: undefined,
        sites: {},
        parts: {},
        tries: {},
        run: 0,
      }
    case 'experiment.moved-to-testbed': {
      const moved = Map.groupBy(event.data.nodes, (node) => placeOfPart(node).site)
      return schedule(
        [...moved].reduce((all, [site, nodes]) => atSite(all, site, { stage: 'testbed', nodes }), experiment),
        event.data.next,
      )
    }
    case 'experiment.marked-ready':
      return event.data.sites.reduce((all, site) => atSite(all, site, { stage: 'ready' }), experiment)
    case 'experiment.run-begun': {
      const begun = event.data.nodes.reduce(forgetRun, { ...experiment, run: event.data.run })
      const sites = new Set(event.data.nodes.map((node) => placeOfPart(node).site))
      return schedule(
        [...sites].reduce((all, site) => atSite(all, site, { hasRun: true }), begun),
        event.data.next,
      )
    }
    case 'experiment.run-cancel-begun':
      return event.data.nodes.reduce((all, node) => turn(all, node, 'run', { stopping: event.data.reason }), experiment)
    case 'experiment.submitted':
      return schedule(
        event.data.sites.reduce((all, site) => atSite(all, site, { stage: 'submitted' }), experiment),
        event.data.next,
      )
    case 'experiment.archived':
      return { ...experiment, status: 'archived' }
    case 'experiment.step-handed-over':
    case 'experiment.step-retried':
      return schedule(experiment, event.data.next)
    case 'experiment.step-started': {
      const { part, step, delivery, instance, host } = event.data
      const begun = { state: 'running', silent: undefined, reason: undefined, phase: '' } as const
      return turn(experiment, part, step, { ...begun, delivery, instance, host })
    }
    case 'experiment.step-turned':
      return turn(experiment, event.data.part, event.data.step, { phase: event.data.phase, reason: event.data.reason })
    case 'experiment.step-succeeded': {
      const { part, step, made, next } = event.data
      const results = made.step === 'run' ? made.results : undefined
      const change = {
        state: 'succeeded',
        outcome: 'succeeded',
        reason: undefined,
        made,
        results,
        silent: undefined,
      } as const
      return schedule(turn(experiment, part, step, change), next)
    }
    case 'experiment.step-failed': {
      const { part, step, how: outcome, reason, code, results, next, silent } = event.data
      return schedule(turn(experiment, part, step, { state: 'failed', outcome, reason, code, results, silent }), next)
    }
    case 'experiment.step-cancelled': {
      const { part, step, reason, results, next } = event.data
      const change = { state: 'cancelled', outcome: 'cancelled', reason, results } as const
      return schedule(turn(experiment, part, step, change), next)
    }
    case 'experiment.report-ignored':
      return { ...experiment, ignored: [...experiment.ignored, nameOf(event.data)] }
  }
}

const nobody = { delivery: 0, instance: '', host: '', phase: '' }

const schedule = (experiment: KnownExperiment, next: readonly ScheduledStep[]): KnownExperiment =>
  next.reduce(scheduleOne, experiment)

const scheduleOne = (
  experiment: KnownExperiment,
  { part, step, agent, try: tries, run, duration }: ScheduledStep,
): KnownExperiment => {
  const scheduled: Step = { state: 'scheduled', agent, try: tries, run, duration, ...nobody }
  const { collect, ...others } = experiment.parts[part] ?? {}
  // What an earlier run has left was taken home; it says nothing of this one.
  const kept = step === 'run' || collect === undefined ? others : { ...others, collect }
  return {
    ...experiment,
    parts: { ...experiment.parts, [part]: { ...kept, [step]: scheduled } },
    tries: { ...experiment.tries, [triesOf(part, step)]: tries },
    run: Math.max(experiment.run, run ?? 0),
  }
}

const turn = (experiment: KnownExperiment, part: string, step: StepName, change: Partial<Step>): KnownExperiment => {
  const found = experiment.parts[part]?.[step]
  if (!found) return experiment
  const steps = { ...experiment.parts[part], [step]: { ...found, ...change } }
  return { ...experiment, parts: { ...experiment.parts, [part]: steps } }
}

const atSite = (experiment: KnownExperiment, site: string, change: Partial<Site>): KnownExperiment => {
  const found = experiment.sites[site]
  return found ? { ...experiment, sites: { ...experiment.sites, [site]: { ...found, ...change } } } : experiment
}

/** What was known of the run before: a new one takes its place. */
const forgetRun = (experiment: KnownExperiment, node: string): KnownExperiment => {
  const { run: _, collect: __, ...kept } = experiment.parts[node] ?? {}
  const site = partOfSite(placeOfPart(node).site)
  const { probe: ___, ...whole } = experiment.parts[site] ?? {}
  return { ...experiment, parts: { ...experiment.parts, [node]: kept, [site]: whole } }
}
