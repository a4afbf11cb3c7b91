import { useQuery } from '@tanstack/react-query'
import type { RunDetail } from './api.ts'
import { Duration } from './duration.tsx'
import { Facts } from './facts.tsx'
import { Link } from './link.tsx'
import { Moment } from './moment.tsx'
import { pausesQuery } from './queries.ts'
import { runAddress } from './router.ts'
import { isAtWork, triggerWords } from './states.ts'
import { visible, visibleLines } from './text.ts'

const words: Readonly<Record<string, string>> = {
  paused: 'It is paused',
  cancelling: 'It is being ended',
  cancelled: 'It was cancelled',
  'timed-out': 'It timed out',
}

/** How a run stands, why it does, and why there is a run at all. */
export const RunState = ({ run }: { readonly run: RunDetail }) => {
  const { data: pauses } = useQuery(pausesQuery)
  const pause = run.state === 'paused' && pauses?.items.find(({ pipeline }) => pipeline === run.pipeline)
  const who = run.principal ?? run.heldBy?.find(({ by }) => by === 'request')?.principal
  const atWork = run.nodes.filter(isAtWork)
  const [trigger] = run.triggers
  const { metric, rerun } = trigger ?? {}
  const from =
    rerun && rerun.from !== 'start' && (typeof rerun.from === 'string' ? 'what failed' : rerun.from.join(', '))
  return (
    <>
      {words[run.state] && (
        <div className="note run-why" data-state={run.state}>
          <strong>
            {words[run.state]}
            {who && ` by ${visible(who)}`}
          </strong>
          {run.reason && <pre>{visibleLines(run.reason)}</pre>}
          {pause && (
            <p>
              {run.pipeline} was paused by {pause.principal}, <Moment at={pause.at} />:{' '}
              <Link to="/">it is resumed with the pipelines</Link>
            </p>
          )}
          {run.state === 'cancelling' && atWork.length > 0 && (
            <p>Told to stop: {atWork.map(({ part, host }) => `${part}${host ? ` on ${host}` : ''}`).join(', ')}.</p>
          )}
          {run.unstopped && run.unstopped.length > 0 && (
            <p>
              <strong>Could not be stopped</strong>, and may be at work still:{' '}
              {run.unstopped.map((part) => `${part}${hostOf(run, part)}`).join(', ')}.
            </p>
          )}
        </div>
      )}
      <Facts
        rows={[
          ['Because of', `${triggerWords[run.trigger] ?? run.trigger}: ${visible(run.message)}`],
          ['Metric', metric && `${visible(metric.key)} = ${metric.value}`],
          [
            'Repeats',
            run.repeats !== null && (
              <>
                <Link to={runAddress(`${run.pipeline}/${run.repeats}`)}>run {run.repeats}</Link>
                {from && ` from ${from} on`}
                {rerun && `, with the ${rerun.definition === 'old' ? 'definition that it had' : 'present definition'}`}
              </>
            ),
          ],
          ['Started', <Moment key="started" at={run.startedAt} />],
          [run.endedAt ? 'Took' : 'Runs for', <Duration key="took" from={run.startedAt} to={run.endedAt} />],
          [
            'Run hash',
            run.hash && (
              <code
                key="hash"
                title="Of its inputs, outputs, metrics, params and tags: two runs with the same did the same"
              >
                {run.hash}
              </code>
            ),
          ],
        ]}
      />
    </>
  )
}

const hostOf = (run: RunDetail, part: string): string => {
  const host = run.nodes.find((node) => node.part === part)?.host
  return host ? ` on ${host}` : ''
}
