import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Order } from './order.tsx'
import { graphQuery } from './queries.ts'
import { RequestFate } from './request-fate.tsx'
import { shellOf } from './shell.ts'

/** Asks for a run, of the pipeline that is named or of one to be chosen, and shows the command line that does the same. */
export const StartRun = ({ of }: { readonly of?: string }) => {
  const { data: graph } = useQuery(graphQuery)
  const pipelines = [
    ...new Set(graph?.nodes.flatMap(({ kind, pipeline }) => (kind === 'metadata-store' ? [pipeline] : []))),
  ]
  const [message, say] = useState('on request')
  const [wanted, want] = useState<string>()
  const pipeline = of ?? wanted ?? pipelines[0]
  return (
    <Order
      label={of === undefined ? 'Start a run' : `Start a run of ${of}`}
      submit="Start"
      path={`/api/pipelines/${pipeline}/runs`}
      body={{ message }}
      isReady={pipeline !== undefined}
      shell={shellOf(['runs', 'start'], { message, pipeline: pipelines.length > 1 ? pipeline : undefined })}
      done={(id) => <RequestFate pipeline={pipeline ?? ''} id={id} />}
    >
      {of === undefined && pipelines.length > 1 && (
        <label>
          Pipeline
          <select value={pipeline} onChange={({ target }) => want(target.value)}>
            {pipelines.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      )}
      <label>
        Message
        <input value={message} maxLength={1000} onChange={({ target }) => say(target.value)} />
      </label>
      {!pipeline && graph && <p>No pipeline with a metadata store is connected.</p>}
    </Order>
  )
}
