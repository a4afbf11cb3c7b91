import type { ExperimentDetail, Waiting } from './api-experiments.ts'
import { orderPath, shellFor } from './experiment-order.ts'
import { placeWords, verbOf, waitWords } from './experiment-words.ts'
import { Press } from './press.tsx'
import { inOne } from './text.ts'
import type { Reach, Station, Stop } from './track.ts'

type Props = {
  readonly experiment: ExperimentDetail
  readonly track: readonly Station[]
  readonly shown: Stop | undefined
  readonly onShow: (stop: Stop) => void
}

const words: Readonly<Record<Reach, string>> = {
  done: 'done',
  running: 'under way',
  waiting: 'waits',
  failed: 'failed',
  cancelled: 'cancelled',
  ahead: 'ahead',
}

/** The steps of an experiment as a track, the present ones alight; each place of each step shows its output when it is chosen. */
export const ExperimentTrack = ({ experiment, track, shown, onShow }: Props) => (
  <>
    <ol className="track" aria-label="Steps">
      {track.map((station) => (
        <li key={station.name} data-reach={station.reach} aria-current={isPresent(station) ? 'step' : undefined}>
          <div className="track-name">
            {station.name} <span className="visually-hidden">({words[station.reach]})</span>
          </div>
          <ul>
            {station.stops.map((stop) => (
              <li key={`${stop.part} ${stop.step}`}>
                <StopButton
                  stop={stop}
                  isShown={shown?.part === stop.part && shown.step === stop.step}
                  onShow={onShow}
                />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
    <Failures experiment={experiment} />
  </>
)

const isPresent = ({ reach }: Station): boolean => ['running', 'waiting', 'failed'].includes(reach)

type StopProps = { readonly stop: Stop; readonly isShown: boolean; readonly onShow: (stop: Stop) => void }

const StopButton = ({ stop, isShown, onShow }: StopProps) => {
  const { part, step, reach, last } = stop
  const said = `${placeWords(part)}${step === 'probe' ? ', probe' : ''}`
  if (!last) return <span className="track-stop quiet">{said}</span>
  const again = last.try > 1 ? `, ${last.try}. try` : ''
  return (
    <button
      type="button"
      className="track-stop"
      data-reach={reach}
      aria-pressed={isShown}
      aria-label={`Output of ${step} at ${said}: ${words[reach]}${again}`}
      title={last.reason ? inOne(last.reason) : undefined}
      onClick={() => onShow(stop)}
    >
      {said}
      {again !== '' && <span className="quiet">{again}</span>}
    </button>
  )
}

/** Each step that failed, why, and for whoever may a way to take it once more. */
const Failures = ({ experiment }: { readonly experiment: ExperimentDetail }) => {
  const failed = experiment.waiting.filter(({ command }) => command && verbOf(command.type) === 'retry')
  if (failed.length === 0) return null
  return (
    <ul className="failures" aria-label="What failed">
      {failed.map((wait) => (
        <li key={wait.wait} className="note problem">
          <Failure of={experiment} wait={wait} mayRetry={experiment.commands.includes('experiment.retry')} />
        </li>
      ))}
    </ul>
  )
}

/** What its own people can do about a step that failed. */
const mending: Readonly<Record<string, string>> = {
  fetch:
    'Where it is the repository: mend it, then terminate this attempt and initiate it anew. Else an operator retries.',
  build: 'Where it is the code: mend it, then terminate this attempt and initiate it anew. Else an operator retries.',
  probe: 'Set another cloud link; an operator retries then.',
  upload: 'Set another cloud link; an operator retries then.',
}

/** What the step behind can be given anew, where what it begins with may be what was wrong: the code, or what its nodes have left. */
const givenAnew = ({ nodes }: ExperimentDetail, { part, step }: Waiting) => {
  const site = placeWords(part ?? '')
  if (step === 'build') return [{ label: `Ship anew to ${site}`, part, step: 'ship' }]
  if (step !== 'pull') return []
  const own = nodes.filter((node) => node.startsWith(`${site}/`))
  return own.map((node) => ({ label: `Collect anew from ${node}`, part: node, step: 'collect' }))
}

type FailureProps = { readonly of: ExperimentDetail; readonly wait: Waiting; readonly mayRetry: boolean }

const Failure = ({ of, wait, mayRetry }: FailureProps) => {
  const { experiment, part, step, reason, command, at } = wait
  const mended = mending[step ?? '']
  return (
    <>
      <div className="failure-words">
        <strong>
          {step} failed at {placeWords(part ?? '')}
        </strong>
        <p>{inOne(reason ?? '')}</p>
        {!mayRetry && <p className="quiet">{mended ?? waitWords(wait)}</p>}
      </div>
      {mayRetry && command && (
        <Press
          label={`Retry ${step}`}
          path={orderPath(experiment, 'retry')}
          body={command.data}
          shell={shellFor(experiment, command)}
          since={at}
        />
      )}
      {mayRetry &&
        command &&
        givenAnew(of, wait).map(({ label, ...data }) => (
          <Press
            key={label}
            label={label}
            path={orderPath(experiment, 'retry')}
            body={data}
            shell={shellFor(experiment, { ...command, data })}
            since={at}
          />
        ))}
    </>
  )
}
