import type { ExperimentDetail, Step } from './api-experiments.ts'
import { Duration } from './duration.tsx'
import { placeWords } from './experiment-words.ts'
import { Moment } from './moment.tsx'
import { Pill } from './pill.tsx'
import { Table } from './table.tsx'
import { inOne } from './text.ts'

/** How many executions the API tells with an experiment at most. */
const most = 200

/** Every execution of a step, newest first: attempts, runs, and whoever took it. */
export const ExperimentAttempts = ({ experiment: { steps } }: { readonly experiment: ExperimentDetail }) =>
  steps.length > 0 && (
    <section aria-label="Attempts and runs">
      <h2>Attempts and runs</h2>
      {steps.length >= most && <p className="quiet">Only the last {most} executions are shown.</p>}
      <details>
        <summary>{steps.length === 1 ? '1 execution of a step' : `${steps.length} executions of steps`}</summary>
        <Table
          rows={steps.toReversed()}
          keyOf={({ attempt, part, step, try: tries, delivery }) => [attempt, part, step, tries, delivery].join(' ')}
          columns={[
            { label: 'Step', of: ({ step, part }) => `${step} at ${placeWords(part)}` },
            { label: 'Attempt', of: attemptWords },
            { label: 'Outcome', of: ({ outcome }) => <Pill state={outcome} />, short: true },
            { label: 'Why', of: ({ reason }) => reason && inOne(reason), long: true },
            { label: 'By', of: ({ agent, host }) => (host && host !== agent ? `${agent}, on ${host}` : agent) },
            { label: 'Began', of: ({ startedAt }) => startedAt && <Moment at={startedAt} />, short: true },
            {
              label: 'Took',
              of: ({ startedAt, endedAt }) => startedAt && <Duration from={startedAt} to={endedAt} />,
              short: true,
            },
          ]}
        />
      </details>
    </section>
  )

const attemptWords = ({ attempt, try: tries, run }: Step): string =>
  [`${attempt}`, ...(run === null ? [] : [`run ${run}`]), ...(tries > 1 ? [`${tries}. try`] : [])].join(', ')
