import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Pause } from './api-orders.ts'
import { Moment } from './moment.tsx'
import { Order, ReasonField } from './order.tsx'
import { Pill } from './pill.tsx'
import { pausesQuery } from './queries.ts'
import { shellOf } from './shell.ts'
import { StartRun } from './start-run.tsx'
import { visible } from './text.ts'

/** Each pipeline that keeps runs: whether it is held back, why and by whom, and what can be asked of it. */
export const PipelineControls = ({ pipelines }: { readonly pipelines: readonly string[] }) => {
  const { data } = useQuery(pausesQuery)
  return (
    <div className="pipelines">
      {pipelines.map((pipeline) => (
        <PipelineControl
          key={pipeline}
          pipeline={pipeline}
          pause={data?.items.find((one) => one.pipeline === pipeline)}
        />
      ))}
    </div>
  )
}

type Props = { readonly pipeline: string; readonly pause: Pause | undefined }

const PipelineControl = ({ pipeline, pause }: Props) => {
  const [reason, say] = useState('')
  const given = reason.trim() === '' ? {} : { reason: reason.trim() }
  return (
    <section className="row-orders" aria-label={`Pipeline ${pipeline}`}>
      <strong>{pipeline}</strong>
      {pause && (
        <span>
          <Pill state="paused" /> {visible(pause.reason ?? '')}{' '}
          <span className="quiet">
            by {pause.principal}, <Moment at={pause.at} />
          </span>
        </span>
      )}
      <StartRun of={pipeline} />
      {pause ? (
        <Order
          key="resume"
          label={`Resume ${pipeline}`}
          submit="Resume the pipeline"
          path={`/api/pipelines/${pipeline}/resume`}
          shell={shellOf(['pipelines', 'resume', pipeline])}
        >
          <p>What was held back goes on: queued runs begin, and in those under way the nodes.</p>
        </Order>
      ) : (
        <Order
          key="pause"
          label={`Pause ${pipeline}`}
          submit="Pause the pipeline"
          path={`/api/pipelines/${pipeline}/pause`}
          body={given}
          shell={shellOf(['pipelines', 'pause', pipeline], given)}
        >
          <p>
            No run begins, and in those under way no node, until it is resumed. What is being executed goes on to its
            end.
          </p>
          <ReasonField reason={reason} onReason={say} />
        </Order>
      )}
    </section>
  )
}
