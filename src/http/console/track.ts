import type { StepName } from '#contracts/experiment-parts'
import type { ExperimentDetail, Step, Waiting } from './api-experiments.ts'
import { verbOf } from './experiment-words.ts'

/** How far something on the way of an experiment is. `waiting`: somebody is to move it on. */
export type Reach = 'done' | 'running' | 'waiting' | 'failed' | 'cancelled' | 'ahead'

/** A place at a station: one site, one end node, or the portal. */
export type Stop = {
  readonly part: string
  readonly step: StepName
  readonly reach: Reach
  /** Its last execution; undefined where it has not been asked for. */
  readonly last: Step | undefined
}

/** A station of the track. */
export type Station = {
  readonly name: string
  readonly reach: Reach
  readonly stops: readonly Stop[]
  /** What is waited for here. */
  readonly waits: readonly Waiting[]
}

/** Where on the track each command leads. */
const leadsTo: Readonly<Record<string, string>> = {
  ...{ approve: 'Create', update: 'Create', initiate: 'Fetch', 'move-to-testbed': 'Deliver' },
  ...{ 'mark-ready': 'Ready', run: 'Run', 'set-cloud-link': 'Run', submit: 'Pull' },
}

const stepsAt: readonly (readonly [string, readonly StepName[]])[] = [
  ['Create', []],
  ['Fetch', ['fetch']],
  ['Ship', ['ship']],
  ['Build', ['build']],
  ['Deliver', ['deliver']],
  ['Ready', []],
  ['Run', ['probe', 'run']],
  ['Collect', ['collect']],
  ['Pull', ['pull']],
  ['Upload', ['upload']],
]

/** The way of an experiment, from when it was made until its results are where they are to go. */
export const trackOf = (experiment: ExperimentDetail): readonly Station[] => {
  const stations = stepsAt.map(([name, steps]): Station => {
    const stops = steps.flatMap((step) => stopsOf(experiment, step))
    const waits = experiment.waiting.filter((one) => isAt(one, name, steps))
    return { name, stops, waits, reach: reachOf(stops, waits) }
  })
  // Nothing is executed at these two: they are passed when what comes behind them is reached.
  const isReady = experiment.status === 'ready' || experiment.status === 'submitted'
  const passed: Readonly<Record<string, boolean>> = { Create: true, Ready: isReady }
  return stations.map((one) => (one.reach === 'ahead' && passed[one.name] ? { ...one, reach: 'done' } : one))
}

const isAt = ({ command, step, waitsFor }: Waiting, name: string, steps: readonly StepName[]): boolean => {
  if (waitsFor === 'machine') return false
  if (step) return steps.includes(step)
  return command !== null && command !== undefined
    ? leadsTo[verbOf(command.type)] === name
    : leadsTo['move-to-testbed'] === name
}

const reachOf = (stops: readonly Stop[], waits: readonly Waiting[]): Reach => {
  const worst = (['failed', 'running', 'cancelled'] as const).find((one) => stops.some(({ reach }) => reach === one))
  if (worst && worst !== 'cancelled') return worst
  if (waits.length > 0) return 'waiting'
  if (worst) return worst
  return stops.length > 0 && stops.every(({ reach }) => reach === 'done') ? 'done' : 'ahead'
}

/** The places where a step is taken, or will be. */
const stopsOf = (experiment: ExperimentDetail, step: StepName): readonly Stop[] => {
  const { steps, attempt } = experiment
  const own = Map.groupBy(
    steps.filter((one) => one.attempt === attempt),
    ({ part }) => part,
  )
  /** Runs of a place: they are counted over all of the experiment, so places may be at different ones. */
  const runOf = (part: string): number =>
    Math.max(0, ...(own.get(part) ?? []).flatMap((one) => (one.step === 'run' ? [one.run ?? 0] : [])))
  const isPresent = (one: Step): boolean =>
    one.step === step && ((one.step !== 'run' && one.step !== 'collect') || one.run === runOf(one.part))
  const known = new Map(
    [...own].map(([part, some]) => [part, some.filter(isPresent)] as const).filter(([, some]) => some.length > 0),
  )
  const parts = new Set([...placesOf(experiment, step), ...known.keys()])
  return [...parts].map((part) => {
    const last = known.get(part)?.at(-1)
    return { part, step, last, reach: last ? reaches[last.outcome] : 'ahead' }
  })
}

const reaches: Readonly<Record<Step['outcome'], Reach>> = {
  scheduled: 'running',
  running: 'running',
  succeeded: 'done',
  failed: 'failed',
  errored: 'failed',
  cancelled: 'cancelled',
  superseded: 'running',
}

const placesOf = ({ sites, nodes }: ExperimentDetail, step: StepName): readonly string[] => {
  if (step === 'fetch') return ['portal/self']
  if (step === 'probe') return []
  return step === 'deliver' || step === 'run' || step === 'collect' ? nodes : sites.map((site) => `${site}/self`)
}

/** What is looked at unless somebody chose: what failed, what is under way, or else what was done last. */
export const presentStop = (track: readonly Station[]): Stop | undefined => {
  const stops = track.flatMap((station) => station.stops)
  return (
    stops.find(({ reach }) => reach === 'failed') ??
    stops.find(({ reach }) => reach === 'running') ??
    stops.findLast(({ last }) => last !== undefined)
  )
}
