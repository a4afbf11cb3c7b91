import type { Recorded } from '#contracts/envelope'
import { type ExperimentEvent, experimentEvents } from '#contracts/experiment'
import { evolve, initial } from '#contracts/experiment-evolve'
import type { Experiment, KnownExperiment } from '#contracts/experiment-state'
import { type Wait, waitsOf } from '#contracts/experiment-waits'
import { digestOf, partRowsOf } from './experiment-part-row.ts'
import { composeFiles, experimentHistory } from './experiment-record-tables.ts'
import { rowOf, wordsIn } from './experiment-row.ts'
import { experimentParts, experimentStates, experiments, experimentWaits } from './experiment-tables.ts'
import { wordsOf } from './experiment-words.ts'
import { tellSteps } from './on-steps.ts'
import type { Handlers } from './projection.ts'
import type { Rows } from './rows.ts'

export type OfExperiment = Recorded & ExperimentEvent

/** What happens to experiments: each event is folded into what was decided before, and all that is read of it said anew. */
export const onExperiments: Handlers<ExperimentEvent> = Object.fromEntries(
  Object.keys(experimentEvents).map((type) => [type, (rows: Rows, event: OfExperiment) => tell(rows, event)]),
)

/** An event of an experiment that was never created is passed over, as its owner passes it over. */
const tell = (rows: Rows, event: OfExperiment): void => {
  const { scope: project, key: experiment } = event.address
  const before = stateOf(rows, experiment)
  const after = evolve(before, event)
  if (after.status === 'unknown') return
  const of = { experiment, project }
  rows.add(experimentStates, { experiment, state: after })
  describe(rows, event, of, after)
  tellParts(rows, event, of, after)
  tellWaits(rows, event, of, after)
  tellSteps(rows, event, of, before)
  tellHistory(rows, event, of)
  if (event.type !== 'experiment.step-succeeded' || event.data.made.step !== 'build') return
  const { image, compose } = event.data.made
  const [site = ''] = event.data.part.split('/')
  const { sequence } = event
  rows.add(composeFiles, {
    ...{ sequence, experiment, site, image, compose },
    attempt: event.data.attempt,
    digest: digestOf(compose),
  })
}

type Of = { readonly experiment: string; readonly project: string }

const stateOf = (rows: Rows, experiment: string): Experiment => {
  const [found] = rows.all<{ readonly state: string }>(
    'select state from experiment_states where experiment = ?',
    experiment,
  )
  return found ? JSON.parse(found.state) : initial
}

const describe = (rows: Rows, event: OfExperiment, of: Of, after: KnownExperiment): void => {
  const { sequence, storedAt, type, data } = event
  const [now] = rows.now(experiments, { experiment: of.experiment })
  const description = ('description' in data ? data.description : undefined) ?? now?.description ?? ''
  const isNew = type === 'experiment.created' || !now
  const born = isNew
    ? { cloneOf: 'cloneOf' in data ? (data.cloneOf ?? null) : null, createdAt: storedAt, began: sequence }
    : { cloneOf: now.cloneOf, createdAt: now.createdAt, began: now.began }
  const words = wordsIn(of.experiment, after.name, description)
  rows.put(
    experiments,
    { experiment: of.experiment },
    { project: of.project, ...rowOf(after), ...born, description, words, changedAt: storedAt },
    sequence,
  )
}

const tellParts = (rows: Rows, { sequence, storedAt: at }: OfExperiment, of: Of, after: KnownExperiment): void => {
  const known = new Map(
    rows.now(experimentParts, { experiment: of.experiment }).map(({ since: _, until: __, ...row }) => [row.part, row]),
  )
  for (const row of partRowsOf(after)) {
    const was = known.get(row.part)
    known.delete(row.part)
    const now = { ...of, ...row, at: was?.at ?? at }
    if (was && isSame(was, now)) continue
    rows.put(experimentParts, { experiment: of.experiment, part: row.part }, { ...now, at }, sequence)
  }
  for (const part of known.keys()) rows.end(experimentParts, { experiment: of.experiment, part }, sequence)
}

/** What goes on waiting has waited since it began, whatever else is said of it. */
const tellWaits = (rows: Rows, { sequence, storedAt }: OfExperiment, of: Of, after: KnownExperiment): void => {
  const known = new Map(
    rows.now(experimentWaits, { experiment: of.experiment }).map(({ since: _, until: __, ...row }) => [row.wait, row]),
  )
  for (const { waitsFor, what, part, step, reason, command, needs } of waitsOf(after).filter(isForPeople)) {
    const wait = [what, step, part].filter(Boolean).join(' ')
    const was = known.get(wait)
    known.delete(wait)
    const { at, began } = was ?? { at: storedAt, began: sequence }
    const now = { ...of, wait, waitsFor, what, part, step, reason, command, needs, at, began }
    if (was && isSame(was, now)) continue
    rows.put(experimentWaits, { experiment: of.experiment, wait }, now, sequence)
  }
  for (const wait of known.keys()) rows.end(experimentWaits, { experiment: of.experiment, wait }, sequence)
}

const isForPeople = ({ waitsFor }: Wait): boolean => waitsFor !== 'machine'

/** Whether a row says the same as another, whatever the order of its columns; what is not said is null. */
const isSame = (one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean =>
  Object.keys({ ...one, ...other }).every(
    (column) => JSON.stringify(one[column] ?? null) === JSON.stringify(other[column] ?? null),
  )

const tellHistory = (rows: Rows, event: OfExperiment, of: Of): void => {
  const { sequence, type, principal, storedAt: at } = event
  const said: Readonly<Record<string, unknown>> = event.data
  const { part, step, reason } = said as { part?: string; step?: never; reason?: string }
  const attempt = typeof said.attempt === 'number' ? said.attempt : null
  const what = wordsOf(event)
  rows.add(experimentHistory, { ...of, sequence, type, what, principal, reason, part, step, attempt, at })
}
