import type { Made, ScheduledStep, StepExecution } from '#contracts/experiment-parts'
import { type Experiment, triesOf } from '#contracts/experiment-state'
import { experimentSteps } from './experiment-record-tables.ts'
import type { OfExperiment } from './on-experiments.ts'
import type { Rows } from './rows.ts'

type Of = { readonly experiment: string; readonly project: string }
type Change = Partial<(typeof experimentSteps)['$inferInsert']>

/** What happens to executions of steps: each is a row from when it is asked for; a second delivery of one is a row of its own. */
export const tellSteps = (rows: Rows, event: OfExperiment, of: Of, before: Experiment): void => {
  const { sequence, storedAt: at, data } = event
  const { experiment } = of
  const turn = (
    like: Pick<StepExecution, 'part' | 'step' | 'attempt' | 'try'> & { delivery?: number },
    change: Change,
  ) => {
    const { part, step, attempt, try: tries, delivery } = like
    const key = { experiment, part, step, attempt, try: tries, ...(delivery !== undefined && { delivery }) }
    rows.turn(experimentSteps, key, change, sequence)
  }
  switch (event.type) {
    case 'experiment.step-started':
      start(rows, event.data, event, of, turn)
      break
    case 'experiment.step-succeeded': {
      const { made } = event.data
      const results = made.step === 'run' ? made.results : null
      turn(event.data, { outcome: 'succeeded', reason: null, made: withoutText(made), results, endedAt: at })
      break
    }
    case 'experiment.step-failed': {
      const { how, reason, results = null } = event.data
      turn(event.data, { outcome: how, reason, results, endedAt: at })
      break
    }
    case 'experiment.step-cancelled': {
      const { part, step, attempt, try: tries, reason, results = null } = event.data
      for (const { delivery } of openIn(rows, { experiment, part, step, attempt, try: tries }))
        turn({ part, step, attempt, try: tries, delivery }, { outcome: 'cancelled', reason, results, endedAt: at })
      break
    }
    case 'experiment.terminated':
      for (const one of openIn(rows, { experiment }))
        turn(one, { outcome: 'cancelled', reason: event.data.reason, endedAt: at })
      break
    case 'experiment.step-handed-over':
      for (const { part, step } of event.data.next)
        for (const one of openIn(rows, { experiment, part, step }))
          if (before.status !== 'unknown' && one.try === before.tries[triesOf(part, step)])
            turn(one, { outcome: 'superseded', endedAt: at })
      break
    default:
  }
  if ('next' in data) for (const next of data.next) schedule(rows, next, event, of)
}

const schedule = (
  rows: Rows,
  { part, step, agent, attempt, try: tries, run }: ScheduledStep,
  { sequence, storedAt: askedAt }: OfExperiment,
  { experiment, project }: Of,
): void =>
  rows.put(
    experimentSteps,
    { experiment, attempt, part, step, try: tries, delivery: 0 },
    { project, run, agent, outcome: 'scheduled', askedAt, began: sequence },
    sequence,
  )

/** Whoever takes it first takes the row that waits for it; where somebody has it already, that execution is superseded. */
const start = (
  rows: Rows,
  execution: StepExecution & { readonly host: string },
  { sequence, storedAt: startedAt }: OfExperiment,
  { experiment, project }: Of,
  turn: (like: StepExecution, change: Change) => void,
): void => {
  const { part, step, attempt, try: tries, delivery, host, agent } = execution
  const change = { delivery, host, outcome: 'running', startedAt, endedAt: null, reason: null } as const
  const known = rows.now(experimentSteps, { experiment, part, step, attempt, try: tries })
  const own = known.find((one) => one.delivery === delivery || one.delivery === 0)
  for (const other of known)
    if (other !== own && other.outcome === 'running')
      turn({ ...execution, delivery: other.delivery }, { outcome: 'superseded', endedAt: startedAt })
  if (own) {
    turn({ ...execution, delivery: own.delivery }, change)
    return
  }
  const { run = null, askedAt = startedAt } = known[0] ?? {}
  rows.put(
    experimentSteps,
    { experiment, attempt, part, step, try: tries, delivery },
    { project, run, agent, ...change, askedAt, began: sequence },
    sequence,
  )
}

const openIn = (rows: Rows, like: Partial<(typeof experimentSteps)['$inferSelect']>) =>
  rows.now(experimentSteps, like).filter(({ outcome }) => outcome === 'scheduled' || outcome === 'running')

const withoutText = (made: Made): Omit<Made, 'compose'> => {
  if (made.step !== 'build') return made
  const { compose: _, ...rest } = made
  return rest
}
