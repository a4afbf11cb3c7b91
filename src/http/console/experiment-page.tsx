import { useQuery } from '@tanstack/react-query'
import type { ExperimentDetail } from './api-experiments.ts'
import type { Problem } from './ask.ts'
import { ExperimentActions } from './experiment-actions.tsx'
import { ExperimentAttempts } from './experiment-attempts.tsx'
import { ExperimentFacts } from './experiment-facts.tsx'
import { ExperimentHistory } from './experiment-history.tsx'
import { ExperimentLog } from './experiment-log.tsx'
import { ExperimentParts } from './experiment-parts.tsx'
import { experimentQuery } from './experiment-queries.ts'
import { ExperimentResults } from './experiment-results.tsx'
import { ExperimentTrack } from './experiment-track.tsx'
import { placeWords, waitWords } from './experiment-words.ts'
import { Link } from './link.tsx'
import { Page } from './page.tsx'
import { ProblemNote } from './problem-note.tsx'
import { experimentAddress, go, useAddress } from './router.ts'
import { Standing } from './standing.tsx'
import { inOne, visible } from './text.ts'
import { presentStop, trackOf } from './track.ts'

/** One experiment: how it stands and what moves it on, its way so far, what is printed, and who did what. */
export const ExperimentPage = ({ experiment: id }: { readonly experiment: string }) => {
  const { data: experiment, error, refetch } = useQuery(experimentQuery(id))
  const isUnknown = (error as Problem | null)?.status === 404
  return (
    <Page
      title={experiment ? visible(experiment.name) : `Experiment ${id}`}
      beside={
        experiment && (
          <>
            <span className="quiet">{id}</span>
            <Standing experiment={experiment} />
            <ExperimentActions experiment={experiment} />
          </>
        )
      }
    >
      {isUnknown && (
        <p className="note">
          There is no experiment {id} that you may see. <Link to="/experiments">See all experiments</Link>
        </p>
      )}
      {error && !isUnknown && <ProblemNote error={error} retry={refetch} />}
      {!experiment && !error && <p className="quiet">Reading …</p>}
      {experiment && <Experiment experiment={experiment} />}
    </Page>
  )
}

const Experiment = ({ experiment }: { readonly experiment: ExperimentDetail }) => {
  const { said } = useAddress()
  const track = trackOf(experiment)
  const stops = track.flatMap((station) => station.stops).filter(({ last }) => last !== undefined)
  const [part, step] = [said.get('part'), said.get('step')]
  const chosen = stops.find((stop) => stop.part === part && stop.step === step)
  const shown = step === '' ? undefined : (chosen ?? presentStop(track))
  const show = (stop?: { readonly part: string; readonly step: string }) =>
    go(experimentAddress(experiment.experiment, { part: stop?.part, step: stop?.step ?? '' }), { replace: true })
  const waits = experiment.waiting.filter(({ waitsFor }) => waitsFor !== 'machine')
  // Of a step that failed the track says why.
  const why = waits.flatMap(({ step, reason, unmet }) => unmet ?? (!step && reason ? inOne(reason) : []))
  return (
    <>
      {waits.length > 0 && (
        <p className="waits">
          It {waits.map(waitWords).join('; it ')}
          {why.length > 0 && `: ${why.join('; ')}`}.
        </p>
      )}
      {experiment.parts.map(
        ({ part, state, reason }) =>
          state === 'running' &&
          reason && (
            <p key={part} className="waits">
              It does not go on at {placeWords(part)}: {inOne(reason)}
            </p>
          ),
      )}
      <ExperimentTrack experiment={experiment} track={track} shown={shown} onShow={show} />
      {stops.length > 0 && <ExperimentLog experiment={experiment} track={track} shown={shown} onShow={show} />}
      <ExperimentParts experiment={experiment} />
      <ExperimentResults experiment={experiment} />
      <ExperimentFacts experiment={experiment} />
      <ExperimentAttempts experiment={experiment} />
      <ExperimentHistory experiment={experiment.experiment} />
    </>
  )
}
