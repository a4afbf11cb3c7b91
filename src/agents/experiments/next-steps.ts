import { partOfSite, placeOfPart, portalPart, type ScheduledStep, type StepName } from '#contracts/experiment-parts'
import { type KnownExperiment, triesOf } from '#contracts/experiment-state'

const minutes = 60_000
const hours = 60 * minutes

/** How long a step may take, in milliseconds: more is a mistake, or something that hangs. A run has its experiment's hours beside it. */
export const within: Readonly<Record<StepName, number>> = {
  fetch: 30 * minutes,
  ship: 2 * hours,
  build: 3 * hours,
  deliver: 30 * minutes,
  probe: 5 * minutes,
  run: 2 * hours,
  collect: 2 * hours,
  pull: 2 * hours,
  upload: 12 * hours,
}

/** Who takes a step at the place of its part. */
const agentOf = (experiment: KnownExperiment, part: string, step: StepName): string => {
  const { site, node } = placeOfPart(part)
  switch (step) {
    case 'fetch':
      return 'source-fetcher'
    case 'ship':
      return 'shipper'
    case 'build':
      return experiment.sites[site]?.builder === 'command' ? 'packager' : 'site-server'
    case 'deliver':
    case 'run':
    case 'collect':
      return `${step}-${node}`
    case 'pull':
      return 'results-puller'
    case 'probe':
      return 'results-prober' // Apart, so that no run waits for the uploads of others.
    case 'upload':
      return 'results-uploader'
  }
}

/** A step that is to be taken now: for the first time in this attempt, or once more. */
export const scheduled = (
  experiment: KnownExperiment,
  part: string,
  step: StepName,
  more: { readonly run?: number | undefined; readonly agent?: string } = {},
): ScheduledStep => {
  const { attempt, plan, parts, tries } = experiment
  const duration = step === 'run' && plan ? Math.round(plan.resource.hours * hours) : undefined
  const { run = parts[part]?.[step]?.run, agent = agentOf(experiment, part, step) } = more
  return {
    ...{ part, step, agent, attempt },
    try: (tries[triesOf(part, step)] ?? 0) + 1,
    ...(run !== undefined && { run }),
    timeout: within[step] + (duration ?? 0),
    ...(duration !== undefined && { duration }),
  }
}

/** What is to be done because a step has succeeded. */
export const afterSuccess = (experiment: KnownExperiment, part: string, step: StepName): readonly ScheduledStep[] => {
  const { site } = placeOfPart(part)
  switch (step) {
    case 'fetch':
      return Object.keys(experiment.sites).map((one) => scheduled(experiment, partOfSite(one), 'ship'))
    case 'ship':
      return [scheduled(experiment, part, 'build')]
    case 'probe':
      return (experiment.sites[site]?.nodes ?? []).map((node) =>
        scheduled(experiment, node, 'run', { run: experiment.run }),
      )
    case 'run':
      return afterRun(experiment, part)
    case 'pull':
      return [scheduled(experiment, part, 'upload')]
    case 'build':
    case 'deliver':
    case 'collect':
    case 'upload':
      return []
  }
}

/** What a run has left behind is brought to its site server, however it ended. */
export const afterRun = (experiment: KnownExperiment, part: string): readonly ScheduledStep[] => [
  scheduled(experiment, part, 'collect', { run: experiment.parts[part]?.run?.run }),
]

/** The first step of an attempt. */
export const firstStep = (experiment: KnownExperiment): ScheduledStep => scheduled(experiment, portalPart, 'fetch')
