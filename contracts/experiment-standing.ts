import { partOfSite, placeOfPart, portalPart, type StepName } from './experiment-parts.ts'
import { type KnownExperiment, type Site, type Stage, type Step, stages } from './experiment-state.ts'
import { called } from './names.ts'

/** How far an experiment has come: as far as that of its sites which is furthest behind. */
export const stageOf = ({ sites }: KnownExperiment): Stage => {
  const reached = Object.values(sites).map(({ stage }) => stages.indexOf(stage))
  return stages[reached.length > 0 ? Math.min(...reached) : 0] ?? 'idle'
}

/** An experiment at a site; undefined where it is not there in its present attempt. */
export const siteOf = ({ sites }: KnownExperiment, site: string): Site | undefined => called(sites, site)

/** How a step of a part stands; undefined where it has not been asked for. */
export const stepOf = ({ parts }: KnownExperiment, part: string, step: StepName): Step | undefined =>
  parts[part]?.[step]

export const isOpen = (step: Step | undefined): boolean => step?.state === 'scheduled' || step?.state === 'running'

/** What is open of the last run at a site: looking at where its results go, running, or taking them to the site server. */
export const openRun = (experiment: KnownExperiment, site: string): readonly string[] => [
  ...(isOpen(stepOf(experiment, partOfSite(site), 'probe')) ? [partOfSite(site)] : []),
  ...(siteOf(experiment, site)?.nodes ?? []).filter(
    (node) => isOpen(stepOf(experiment, node, 'run')) || isOpen(stepOf(experiment, node, 'collect')),
  ),
]

/** Whether what lies at a site could not be brought home: what its nodes have left may then be brought to it once more. */
export const isPulledInVain = (experiment: KnownExperiment, site: string): boolean =>
  stepOf(experiment, partOfSite(site), 'pull')?.state === 'failed'

/** Where it comes from what a step begins with, while that is just being brought: its code, or what a run has left on an end node. */
export const comingFor = (experiment: KnownExperiment, part: string, step: StepName): string | undefined => {
  const isComing = (one: string, name: StepName) => isOpen(stepOf(experiment, one, name))
  switch (step) {
    case 'build':
      return isComing(part, 'ship') ? portalPart : undefined
    case 'run':
      return isComing(part, 'collect') ? part : undefined
    case 'pull':
      return siteOf(experiment, placeOfPart(part).site)?.nodes.find((node) => isComing(node, 'collect'))
    default:
      return undefined
  }
}

/** How the last run ended at a site. */
export const runOf = (experiment: KnownExperiment, site: string): 'none' | 'open' | 'failed' | 'succeeded' => {
  const { nodes = [], hasRun = false } = siteOf(experiment, site) ?? {}
  if (!hasRun) return 'none'
  if (openRun(experiment, site).length > 0) return 'open'
  const isDone = (node: string, step: StepName) => stepOf(experiment, node, step)?.state === 'succeeded'
  return nodes.every((node) => isDone(node, 'run') && isDone(node, 'collect')) ? 'succeeded' : 'failed'
}

/** All steps of an experiment that are, or were, asked for in its present attempt. */
export const stepsOf = ({ parts }: KnownExperiment): readonly { readonly part: string; readonly step: StepName }[] =>
  Object.entries(parts).flatMap(([part, steps]) => (Object.keys(steps) as StepName[]).map((step) => ({ part, step })))

/** The words for where a part is, finer than mode and status, in the order in which it comes to them. */
export const subStates = [
  'idle',
  'fetching',
  'shipping',
  'building',
  'built',
  'delivering',
  'delivered',
  'running',
  'collecting',
  'cleaned',
  'pulling',
  'uploading',
  'done',
] as const
export type SubState = (typeof subStates)[number]

const doing: Readonly<Record<StepName, SubState>> = {
  fetch: 'fetching',
  ship: 'shipping',
  build: 'building',
  deliver: 'delivering',
  probe: 'running',
  run: 'running',
  collect: 'collecting',
  pull: 'pulling',
  upload: 'uploading',
}

/** Where a part has come to once a step has succeeded; what follows at once has no word of its own. */
const done: Readonly<Record<StepName, SubState>> = {
  fetch: 'shipping',
  ship: 'building',
  build: 'built',
  deliver: 'delivered',
  probe: 'running',
  run: 'collecting',
  collect: 'cleaned',
  pull: 'uploading',
  upload: 'done',
}

/** The steps of a part in the order in which they are taken, those of its site and of the portal among them. */
const taken: readonly StepName[] = ['fetch', 'ship', 'build', 'deliver', 'probe', 'run', 'collect', 'pull', 'upload']

/** Where a part is, and the step at which it failed or was cancelled, if it did. */
export const subStateOf = (
  experiment: KnownExperiment,
  part: string,
): {
  readonly state: SubState
  readonly failed?: StepName
  readonly cancelled?: StepName
  readonly reason?: string | undefined
} => {
  const { site } = placeOfPart(part)
  const known = taken.toReversed().flatMap((step) => {
    const at = stepOf(experiment, whereTaken(step, part, site), step)
    return at ? [{ step, at }] : []
  })
  // What is taken once more, as the step behind it failed, is where it is now.
  const found = known.find(({ at }) => isOpen(at)) ?? known[0]
  if (!found) return { state: 'idle' }
  const { step, at } = found
  const { reason = '' } = at
  switch (at.state) {
    case 'scheduled':
    case 'running':
      return { state: step === 'run' && at.phase !== '' ? duringRun(at.phase) : doing[step], reason: at.reason }
    case 'succeeded': {
      // What a failed run has left is taken home as well; that makes it no better.
      const of = step === 'collect' ? stepOf(experiment, part, 'run') : undefined
      const ended =
        of && (of.state === 'failed' || of.state === 'cancelled') ? { [of.state]: 'run', reason: of.reason } : {}
      return { state: done[step], ...ended }
    }
    case 'failed':
      return { state: doing[step], failed: step, reason }
    case 'cancelled':
      return { state: doing[step], cancelled: step, reason }
  }
}

const duringRun = (phase: string): SubState =>
  phase === 'collecting' || phase === 'cleaning' ? 'collecting' : 'running'

const whereTaken = (step: StepName, part: string, site: string): string => {
  switch (step) {
    case 'fetch':
      return portalPart
    case 'deliver':
    case 'run':
    case 'collect':
      return part
    default:
      return partOfSite(site)
  }
}

/** Mode and status, outwardly, of a stage. */
export const wordsOf: Readonly<
  Record<Stage, { readonly mode: 'Idle' | 'Development' | 'TESTBED'; readonly status: string }>
> = {
  idle: { mode: 'Idle', status: 'idle' },
  development: { mode: 'Development', status: 'deploying' },
  testbed: { mode: 'TESTBED', status: 'deploying' },
  ready: { mode: 'TESTBED', status: 'ready' },
  submitted: { mode: 'TESTBED', status: 'submitted' },
}
