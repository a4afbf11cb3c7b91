import type { ExperimentCommand } from './experiment-commands.ts'
import { partOfSite, placeOfPart, portalPart, type StepName } from './experiment-parts.ts'
import { comingFor, isOpen, isPulledInVain, runOf, stepOf, stepsOf } from './experiment-standing.ts'
import type { KnownExperiment, Site } from './experiment-state.ts'
import type { ResourceDefinition } from './resource.ts'

/** Who can be waited for: somebody of its project, or whoever works for the testbed; `machine`: a step is being taken. */
export const waitedFor = ['administrator', 'operator', 'user', 'machine'] as const
export type WaitedFor = (typeof waitedFor)[number]

/** What an experiment waits for. Several parts may each wait for something of their own. */
export type Wait = {
  readonly waitsFor: WaitedFor
  /** The verb of the command that moves it on; where a step is being taken, that step. */
  readonly what: string
  /** The part that it is about; undefined where it is the whole of the experiment. */
  readonly part?: string | undefined
  readonly step?: StepName | undefined
  /** Why that step failed, or what was declined. */
  readonly reason?: string | undefined
  /** The command that moves it on, as it can be sent. Without nodes where somebody is still to choose them: see `needs`. */
  readonly command?: { readonly type: ExperimentCommand['type']; readonly data: object } | undefined
  /** What end nodes are to be chosen, and at which sites. */
  readonly needs?: (Omit<ResourceDefinition, 'sites'> & { readonly sites: readonly string[] }) | undefined
}

const byPerson = (
  waitsFor: WaitedFor,
  what: string,
  data: object = {},
  more: Pick<Wait, 'part' | 'step' | 'reason' | 'needs'> = {},
): Wait => ({
  waitsFor,
  what,
  ...more,
  command: { type: `experiment.${what}` as ExperimentCommand['type'], data },
})

/**
 * All that an experiment waits for, the most pressing first: what an administrator is to say, what has failed, what is next, and
 * then what machines do. None where it is finished, or put away.
 */
export const waitsOf = (experiment: KnownExperiment): readonly Wait[] => {
  if (experiment.status === 'archived') return []
  const sites = Object.entries(experiment.sites)
  if (sites.length === 0) return [toBegin(experiment)]
  const failed = failedSteps(experiment)
  const ready = sites.filter(([, { stage }]) => stage === 'ready')
  const runs = (how: ReturnType<typeof runOf>) => ready.filter(([site]) => runOf(experiment, site) === how)
  const isRetried = ([site]: readonly [string, Site]) => failed.some(({ part = '' }) => placeOfPart(part).site === site)
  const toRun = [...runs('none'), ...runs('failed').filter((one) => !isRetried(one))]
  return [
    ...failed,
    ...together(built(experiment), (names) => ({
      ...byPerson('operator', 'move-to-testbed'),
      needs: experiment.plan && { ...experiment.plan.resource, sites: names },
    })),
    ...together(delivered(experiment), (names) => byPerson('operator', 'mark-ready', { sites: names })),
    ...together(toRun, (names) =>
      experiment.cloudLink ? byPerson('operator', 'run', { sites: names }) : byPerson('user', 'set-cloud-link'),
    ),
    ...together(runs('succeeded'), (names) => byPerson('operator', 'submit', { sites: names, acceptPartial: false })),
    ...stepsOf(experiment)
      .filter(({ part, step }) => isOpen(stepOf(experiment, part, step)))
      .map(({ part, step }): Wait => ({ waitsFor: 'machine', what: step, part, step })),
  ]
}

const toBegin = ({ approval, declined }: KnownExperiment): Wait => {
  switch (approval) {
    case 'asked':
      return byPerson('administrator', 'approve')
    case 'declined':
      return byPerson('user', 'update', {}, { reason: declined })
    case 'given':
    case 'not-asked':
      return byPerson('user', 'initiate')
  }
}

/** What an experiment's own people do about a step that failed for something of theirs: their code, or where their results go. */
const mendedBy: Partial<Readonly<Record<StepName, string>>> = {
  fetch: 'terminate',
  build: 'terminate',
  probe: 'set-cloud-link',
  upload: 'set-cloud-link',
}

/** Kinds of faults that are nearly always of an experiment's own: what its code is and says, and where its results are to go. */
const theirs = /^(source\.(?!no-git|no-host|broken|taken)|build\.(?!tag)|link\.|upload\.(expired|refused|no-secret))/

/**
 * Steps that can be retried: those of a run once it is over, and before its results are on their way home; what could not be
 * brought home once what its nodes have left has been brought to the site once more.
 */
const failedSteps = (experiment: KnownExperiment): readonly Wait[] =>
  stepsOf(experiment).flatMap(({ part, step }) => {
    const at = stepOf(experiment, part, step)
    const { site } = placeOfPart(part)
    const isOfRun = step === 'probe' || step === 'run' || step === 'collect'
    const isOver = isOfRun && experiment.sites[site]?.stage === 'submitted'
    const isAgain = step === 'collect' && isPulledInVain(experiment, site)
    const isWaiting = (isOfRun && runOf(experiment, site) === 'open') || comingFor(experiment, part, step) !== undefined
    if (at?.state !== 'failed' || (isOver && !isAgain) || isWaiting || (part !== portalPart && !experiment.sites[site]))
      return []
    const about = { part, step, reason: at.reason }
    const mending = mendedBy[step]
    const retry = byPerson('operator', 'retry', { part, step }, about)
    if (mending === undefined) return [retry]
    const mend = byPerson('user', mending, {}, about)
    return theirs.test(at.code ?? '') ? [mend, retry] : [retry, mend]
  })

const built = (experiment: KnownExperiment): readonly (readonly [string, Site])[] =>
  Object.entries(experiment.sites).filter(
    ([site, { stage }]) =>
      stage === 'development' && stepOf(experiment, partOfSite(site), 'build')?.state === 'succeeded',
  )

const delivered = (experiment: KnownExperiment): readonly (readonly [string, Site])[] =>
  Object.entries(experiment.sites).filter(
    ([, { stage, nodes }]) =>
      stage === 'testbed' && nodes.every((node) => stepOf(experiment, node, 'deliver')?.state === 'succeeded'),
  )

/** One wait for all sites that are at the same place; none where there is no site. */
const together = (
  sites: readonly (readonly [string, Site])[],
  wait: (names: readonly string[]) => Wait,
): readonly Wait[] => (sites.length === 0 ? [] : [wait(sites.map(([site]) => site).toSorted())])
