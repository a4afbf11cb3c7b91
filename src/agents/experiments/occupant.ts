import type { Near } from '#bus/decider'
import { foldOf, knownIn } from '#contracts/all'
import type { ExperimentEvent } from '#contracts/experiment'
import { evolve, initial } from '#contracts/experiment-evolve'
import { placeOfPart, projectOf } from '#contracts/experiment-parts'
import { openRun, stepOf } from '#contracts/experiment-standing'

/** The experiment that has an end node. `until`: when its open run is over at the latest, in milliseconds since 1970, if it has one. */
export type Occupant = { readonly experiment: string; readonly project: string; readonly until?: number | undefined }

/** Who has an end node, as the history of that experiment tells at this moment; undefined where nobody is known to. */
export const occupantIn = ([found]: readonly Near[], part: string, at: number): Occupant | undefined => {
  if (!found) return undefined
  const { key: experiment } = found.address
  const of = { experiment, project: projectOf(experiment) }
  const known = foldOf(evolve, initial, found.events)
  if (known.status === 'unknown' || openRun(known, placeOfPart(part).site).length === 0) return of
  const step = stepOf(known, part, 'run')
  const duration = step?.duration ?? (known.plan?.resource.hours ?? 1) * 3_600_000
  if (step?.state === 'succeeded' || step?.state === 'failed' || step?.state === 'cancelled') return of
  const begun = found.events.findLast((event) => isStart(knownIn<ExperimentEvent>(event), part))
  // Where it has not begun, it does so in a moment.
  return { ...of, until: (step?.state === 'running' && begun ? begun.storedAt : at) + duration }
}

const isStart = (event: ExperimentEvent | undefined, part: string): boolean =>
  event?.type === 'experiment.step-started' && event.data.part === part && event.data.step === 'run'
