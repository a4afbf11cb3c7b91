import type { ExperimentDetail, Part } from './api-experiments.ts'
import { placeWords } from './experiment-words.ts'
import { Moment } from './moment.tsx'
import { Pill } from './pill.tsx'
import { NotHeard } from './standing.tsx'
import { Table } from './table.tsx'
import { inOne } from './text.ts'

/** What each place is asked to be, beside what it says it is. */
export const ExperimentParts = ({ experiment: { parts } }: { readonly experiment: ExperimentDetail }) =>
  parts.length > 0 && (
    <section aria-label="Desired and reported">
      <h2>Desired and reported</h2>
      <Table
        rows={parts}
        keyOf={({ part }) => part}
        columns={[
          { label: 'Place', of: ({ part }) => placeWords(part) },
          {
            label: 'State',
            of: ({ failedStep, subState, state, node }) =>
              failedStep ? (
                <span className="pill" data-state="failed">
                  failed at {failedStep}
                </span>
              ) : (
                <Pill state={node === null ? (state ?? 'idle') : subState} />
              ),
            short: true,
          },
          { label: 'Desired', of: ({ desired }) => desiredWords(desired) },
          { label: 'Reported', of: toldOf },
          { label: 'Image', of: imageIn, long: true },
          { label: 'Why', of: whyIn, long: true },
          { label: 'Since', of: ({ at }) => <Moment at={at} />, short: true },
        ]}
      />
    </section>
  )

/** Why it failed; where nothing was begun yet, that was at the portal, which says it. */
const whyIn = ({ reason, reported, part }: Part) => {
  if (!reason) return null
  return reported.step === null && part !== 'portal/self' ? 'see portal' : inOne(reason)
}

const desiredWords = ({ step, run, stop }: Part['desired']): string =>
  step === null ? 'nothing' : `${stop ? 'stop ' : ''}${step}${run === null ? '' : `, run ${run}`}`

const reportedWords = ({ reported: { step, state, phase, exitCode }, host }: Part): string => {
  if (step === null) return 'nothing'
  const code = exitCode === null ? '' : `, exit code ${exitCode}`
  return `${step} ${state ?? 'not begun'}${phase && state === 'running' ? `, ${phase.replace('-', ' ')}` : ''}${code}${host ? `, on ${host}` : ''}`
}

const toldOf = (part: Part) => (
  <>
    {reportedWords(part)}
    {part.heardUntil && <NotHeard who={part.away} since={part.heardUntil} />}
  </>
)

/** The image that is to be there; whether it is, where that is another. */
const imageIn = ({ desired, reported }: Part) => {
  if (desired.image === null) return reported.image && <code title={reported.image}>{shortly(reported.image)}</code>
  const isThere = desired.image === reported.image
  return (
    <>
      <code title={desired.image}>{shortly(desired.image)}</code> {!isThere && <span className="quiet">not there</span>}
    </>
  )
}

/** An image by the beginning of its digest. */
export const shortly = (image: string): string => image.replace(/(@sha256:[0-9a-f]{12})[0-9a-f]*$/, '$1…')
