import type { Experiment } from './api-experiments.ts'
import { modeWords, placeWords } from './experiment-words.ts'
import { Moment } from './moment.tsx'
import { Pill } from './pill.tsx'

/** Mode and status of an experiment, and beside them the finer state; where something failed, at which step and place. */
export const Standing = ({ experiment }: { readonly experiment: Experiment }) => {
  const { subState, failedStep, failedPart, state, heardUntil } = experiment
  return (
    <span className="standing-words">
      <span className="mode">{modeWords(experiment)}</span>{' '}
      {state === 'archived' ? (
        <Pill state="archived" />
      ) : failedStep ? (
        <span className="pill" data-state="failed">
          failed at {failedStep}
          {failedPart && failedStep !== 'fetch' && `, ${placeWords(failedPart)}`}
        </span>
      ) : (
        subState !== 'idle' && <Pill state={subState} />
      )}
      {heardUntil && <NotHeard since={heardUntil} />}
    </span>
  )
}

/** Since when nothing was heard of whoever takes a step. */
export const NotHeard = ({ who = '', since }: { readonly who?: string | null; readonly since: string }) => (
  <span className="quiet under">
    {who} not heard since <Moment at={since} />
  </span>
)
