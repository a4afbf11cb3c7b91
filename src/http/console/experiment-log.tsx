import { useState } from 'react'
import { plain } from './ansi.ts'
import type { ExperimentDetail } from './api-experiments.ts'
import { placeWords } from './experiment-words.ts'
import type { LogLine } from './log-api.ts'
import { LogLines } from './log-lines.tsx'
import { visibleLines } from './text.ts'
import type { Station, Stop } from './track.ts'

type Props = {
  readonly experiment: ExperimentDetail
  readonly track: readonly Station[]
  readonly shown: Stop | undefined
  readonly onShow: (stop: { readonly part: string; readonly step: string } | undefined) => void
}

/** What one step printed at one place, the commands that it ran among it, while it does and afterwards. */
export const ExperimentLog = ({ experiment: { experiment, attempt }, track, shown, onShow }: Props) => {
  const [search, setSearch] = useState('')
  const [wanted, want] = useState<number>()
  const only = wanted ?? attempt
  const stops = track.flatMap((station) => station.stops).filter(({ last }) => last !== undefined)
  const keyOf = ({ part, step }: { readonly part: string; readonly step: string }) => `${part} ${step}`
  const choice = { part: shown?.part, step: shown?.step, attempt: only }
  const chosen = shown ? keyOf(shown) : ''
  return (
    <section className="experiment-log" aria-label="Output">
      <h2>{shown ? `Output of ${shown.step} at ${placeWords(shown.part)}` : 'Output of all steps'}</h2>
      <LogLines
        key={`${chosen} ${only}`}
        of={`experiments/${experiment}`}
        label={`Output of ${chosen || experiment}`}
        choice={choice}
        search={search || undefined}
        isOver={false}
        named={shown === undefined}
        above={(lines) => <LastCommand lines={lines} />}
        bar={(isFollowing, follow) => (
          <search className="bar">
            <label>
              Step{' '}
              <select
                value={chosen}
                onChange={({ target }) => onShow(stops.find((stop) => keyOf(stop) === target.value))}
              >
                <option value="">all</option>
                {stops.map((stop) => (
                  <option key={keyOf(stop)} value={keyOf(stop)}>
                    {stop.step} at {placeWords(stop.part)}
                  </option>
                ))}
              </select>
            </label>
            {attempt > 1 && (
              <label>
                Attempt{' '}
                <select value={only} onChange={({ target }) => want(Number(target.value))}>
                  {Array.from({ length: attempt }, (_, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: attempts are counted.
                    <option key={at}>{at + 1}</option>
                  ))}
                </select>
              </label>
            )}
            <label className="bar-search">
              Search{' '}
              <input type="search" value={search} data-key="/" onChange={({ target }) => setSearch(target.value)} />
            </label>
            <label className="bar-check">
              <input
                type="checkbox"
                checked={isFollowing}
                data-key="f"
                onChange={({ target }) => follow(target.checked)}
              />
              Follow
            </label>
          </search>
        )}
      />
    </section>
  )
}

/** The exact command that was run last, as somebody would type it. */
const LastCommand = ({ lines }: { readonly lines: readonly LogLine[] }) => {
  const command = lines.findLast(({ text }) => text.startsWith('$ '))
  return (
    command && (
      <p className="last-command">
        <span className="quiet">Command</span> <code>{visibleLines(plain(command.text.slice(2)))}</code>
      </p>
    )
  )
}
