import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { RunDetail } from './api.ts'
import { Order } from './order.tsx'
import { ProblemNote } from './problem-note.tsx'
import { previewQuery } from './queries.ts'
import { RequestFate } from './request-fate.tsx'
import { shellOf } from './shell.ts'
import { inOneLine, nameOf, visible } from './text.ts'

type Extent = 'start' | 'failed' | 'nodes'

/** Asks for a run to be repeated, all or in part, and says before what would be executed again. */
export const Rerun = ({ run }: { readonly run: RunDetail }) => {
  const hasFailed = run.state !== 'succeeded'
  const [extent, choose] = useState<Extent>(hasFailed ? 'failed' : 'start')
  const [nodes, pick] = useState<readonly string[]>([])
  const [definition, define] = useState<'present' | 'old'>('present')
  const actions = run.nodes.filter(({ kind }) => kind === 'action' || kind === 'unknown').map(({ part }) => part)
  const from = extent === 'nodes' ? nodes : extent
  const isSaid = extent !== 'nodes' || nodes.length > 0
  const turn = (part: string) => pick(nodes.includes(part) ? nodes.filter((one) => one !== part) : [...nodes, part])

  const extents: readonly (readonly [Extent, string])[] = [
    ['start', 'all of it'],
    ...(hasFailed ? ([['failed', 'what did not succeed, and what is behind it']] as const) : []),
    ['nodes', 'from these nodes on'],
  ]
  return (
    <Order
      label="Run again"
      submit="Run again"
      path={`/api/runs/${run.run}/rerun`}
      body={{ from, definition }}
      isReady={isSaid}
      shell={shellOf(['runs', 'rerun', run.run], {
        from: extent === 'nodes' ? nodes : undefined,
        failed: extent === 'failed' || undefined,
        definition: definition === 'old' ? 'old' : undefined,
      })}
      done={(id) => <RequestFate pipeline={run.pipeline} id={id} />}
    >
      <fieldset>
        <legend>What of it, with the same inputs</legend>
        {extents.map(([one, said]) => (
          <label key={one} className="choice">
            <input type="radio" name="extent" checked={extent === one} onChange={() => choose(one)} />
            {said}
          </label>
        ))}
        {extent === 'nodes' && (
          <div className="choices">
            {actions.map((part) => (
              <label key={part} className="choice">
                <input type="checkbox" checked={nodes.includes(part)} onChange={() => turn(part)} />
                {part}
              </label>
            ))}
          </div>
        )}
      </fieldset>
      <label>
        Definition
        <select value={definition} onChange={({ target }) => define(target.value === 'old' ? 'old' : 'present')}>
          <option value="present">the present one</option>
          <option value="old">the one that run {run.number} had</option>
        </select>
      </label>
      {isSaid ? (
        <Preview run={run.run} from={from} definition={definition} />
      ) : (
        <p className="quiet">Choose the nodes that it starts from.</p>
      )}
    </Order>
  )
}

type PreviewProps = {
  readonly run: string
  readonly from: string | readonly string[]
  readonly definition: 'present' | 'old'
}

/** What a repeated run would execute again, and what it would reuse. */
const Preview = ({ run, from, definition }: PreviewProps) => {
  const { data, error, refetch } = useQuery(previewQuery(run, from, definition))
  if (error) return <ProblemNote error={error} retry={refetch} />
  if (!data) return <p className="quiet">Asking what would be reused …</p>
  if (!data.possible) return <p className="note problem">{visible(data.reason ?? 'This is not possible.')}</p>
  const again = data.nodes?.filter(({ reused }) => reused === null) ?? []
  return (
    <div className="preview" aria-live="polite">
      <p>
        <strong>
          {again.length} of {data.nodes?.length} {data.nodes?.length === 1 ? 'node runs' : 'nodes run'} again
        </strong>
      </p>
      <ul>
        {data.nodes?.map(({ part, reused, reason }) => (
          <li key={part} data-reused={reused !== null}>
            <span className="verb">{nameOf(part)}</span>{' '}
            {reused === null ? `runs again: ${inOneLine(reason)}` : `reused as in run ${reused}`}
          </li>
        ))}
      </ul>
    </div>
  )
}
